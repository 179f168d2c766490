// Requests that were found elsewhere, as members of the state's request.
const text = v => JSON.stringify(v, null, 2)

// ofDifference is the request of a difference between two policies.
export function ofDifference(d) {
  const r = d.request
  const args = r.request ?? {}
  return {
    method: d.method, path: d.path, host: d.host ?? '', ip: args.ip ?? '', now: r.now ?? '',
    user: r.auth ? 'claims' : 'nobody', claims: text(r.auth ?? {}),
    headers: Object.entries(args.headers ?? {}).flatMap(([k, v]) => [v].flat().map(x => `${k}: ${x}`)).join('\n'),
    peer: r.peer ? JSON.stringify(r.peer) : '',
    bodyKind: r.params !== undefined && !['GET', 'HEAD', 'DELETE'].includes(d.method) ? 'json' : 'none', body: text(r.params ?? null),
    answered: r.res !== undefined, response: text(r.res ?? {}),
  }
}

// ofEntry is what an entry of the decision log has of its request.
export function ofEntry(e) {
  const out = {method: e.request.method, path: e.request.path, host: e.request.host ?? '', ip: e.request.ip ?? '', now: e.time ?? ''}
  if (e.claims) Object.assign(out, {user: 'claims', claims: text(nested(e.claims))})
  const {params} = nested(e.body ?? {}).args ?? {}
  if (params !== undefined) Object.assign(out, {bodyKind: 'json', body: text(params)})
  return out
}

// nested makes objects of members whose names are paths.
function nested(flat) {
  const out = {}
  for (const [path, v] of Object.entries(flat)) {
    const keys = path.split('.')
    let at = out
    for (const key of keys.slice(0, -1)) {
      if (!Object.hasOwn(at, key) || typeof at[key] !== 'object') set(at, key, {})
      at = at[key]
    }
    set(at, keys.at(-1), v)
  }
  return out
}

// set sets a member, whatever its name is: __proto__ too.
function set(object, key, value) {
  Object.defineProperty(object, key, {value, enumerable: true, configurable: true, writable: true})
}
