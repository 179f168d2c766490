// The whole state in the fragment of a link, which no browser sends to a server.
const prefix = '#state='
const most = 4 << 20 // characters of a state

export async function link(state) {
  const bytes = await through(new TextEncoder().encode(JSON.stringify(state)), new CompressionStream('deflate-raw'))
  let text = ''
  for (const b of bytes) text += String.fromCharCode(b)
  const base = btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  return location.href.split('#')[0] + prefix + base
}

// fromLink returns the state of a fragment, undefined if it has none.
// It throws if that cannot be read.
export async function fromLink(fragment) {
  if (!fragment.startsWith(prefix)) return undefined
  let text
  try {
    text = atob(fragment.slice(prefix.length).replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    throw new Error('it is cut off or changed')
  }
  const bytes = Uint8Array.from(text, c => c.charCodeAt(0))
  let state
  try {
    state = JSON.parse(new TextDecoder().decode(await through(bytes, new DecompressionStream('deflate-raw'), most)))
  } catch (e) {
    throw new Error(e.message.includes('more than') ? e.message : 'it is cut off or changed')
  }
  return checked(state)
}

async function through(bytes, transform, limit = Infinity) {
  const reader = new Blob([bytes]).stream().pipeThrough(transform).getReader()
  const parts = []
  let size = 0
  for (;;) {
    const {done, value} = await reader.read()
    if (done) break
    size += value.length
    if (size > limit) {
      reader.cancel()
      throw new Error(`it holds more than ${limit >> 20} MiB`)
    }
    parts.push(value)
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}

// empty is the state without a policy.
export const empty = () => ({
  files: {'policy.yaml': 'routes: []\n'}, policy: 'policy.yaml', tests: 'policy_test.yaml', env: {}, before: '', beforeName: '', beforeFiles: {},
  request: {
    method: 'GET', path: '/', host: '', headers: '', user: 'nobody', claims: '{}', token: '', bodyKind: 'none', body: '', ip: '', peer: '', now: '',
    data: {}, webhooks: {}, answered: false, status: '200', responseHeaders: '', response: '{}',
  },
})

// checked returns a state with the members of `empty` and no others, each of its type.
export function checked(state) {
  const like = (model, v) => {
    if (typeof model !== 'object') return typeof v === typeof model ? v : model
    if (typeof v !== 'object' || v === null || Array.isArray(v)) return model
    const names = Object.keys(model)
    const texts = ['files', 'beforeFiles', 'env', 'data', 'webhooks']
    const out = {}
    for (const name of names) {
      if (!texts.includes(name)) out[name] = like(model[name], v[name])
      else out[name] = Object.fromEntries(Object.entries(v[name] ?? {}).filter(([, text]) => typeof text === 'string'))
    }
    return out
  }
  const out = like(empty(), state)
  if (typeof out.files[out.policy] !== 'string') throw new Error('it has no policy')
  return out
}
