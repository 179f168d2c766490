// The decision: status, route, token, the rule as a tree, the request as the upstream
// gets it and the response as the client gets it.
import {add, fill, h, plural} from './dom.js'
import {difference} from './difference.js'

const signs = {yes: '✓', no: '✗', unknown: '?', waiting: '…', 'not reached': '·'}
const words = {yes: 'Allowed', no: 'Refused', unknown: 'Refused: unknown', error: 'Refused: a call failed', unauthorized: 'Refused: no valid token', invalid: 'Refused: a bad request'}

export class DecisionView {
  #root
  #jump
  #open = new Map() // whether a part was unfolded, by its key
  #last // the last answer with a decision

  // jump goes to a line of a file.
  constructor(root, jump) {
    this.#root = root
    this.#jump = jump
  }

  forget() {
    this.#open.clear()
    this.#last = undefined
  }

  // show shows an answer of the evaluator; wrong are the fields that cannot be read.
  show(answer, wrong) {
    fill(this.#root, this.#parts(answer, wrong))
  }

  #parts(a, wrong) {
    if (wrong.length > 0) return this.#none('No decision', ['This cannot be read: ' + wrong.join('; ')])
    if (a.error) return this.#none('No decision', [a.error])
    if (a.faults) return this.#none('No decision', a.faults.map(f => `${f.place.replace(/^tests\[0\]\.?/, '')}: ${f.message}`))
    if (a.failed) return this.#none('No decision', [a.failed])
    if (a.trace) this.#last = a
    else return [this.#none('No decision', ['The policy has a fault.' + (this.#last ? ' This was the last decision:' : '')]), this.#last && h('div', {class: 'stack last'}, this.#details(this.#last))]
    return [this.#head(a.trace, a.answer), this.#details(a)]
  }

  #details(a) {
    const t = a.trace
    return [this.#route(t), this.#token(t.token), this.#rules('Rule', t.rule),
      t.upstream && this.#message('request', 'The upstream gets', t.request, t.upstream, t.changes),
      t.response && [this.#rules('Rule on the response', t.response.rule), this.#message('response', 'The client gets', t.response.upstream, t.response.client, t.response.changes)],
      a.answer && this.#answer(a.answer)]
  }

  #none(title, lines) {
    return [h('div', {class: 'outcome none'}, h('strong', {}, title)), lines.map(l => h('p', {}, l))]
  }

  #head(t, answer) {
    const d = t.decision
    const yes = d.outcome === 'yes'
    const status = d.status || (yes ? '' : answer?.status)
    return [
      h('div', {class: `outcome ${yes ? 'yes' : 'no'}`},
        h('span', {class: 'sign', 'aria-hidden': 'true'}, yes ? '✓' : '✗'),
        h('strong', {}, (words[d.outcome] ?? `Refused: ${d.outcome}`) + (d.of === 'response' && !yes ? ' (the response)' : '')),
        status && h('span', {class: 'status'}, status)),
      d.reason && h('p', {}, d.reason),
      d.place && h('p', {}, 'by ', this.#place(d, d.name ? `${d.name}, ` : '')),
    ]
  }

  // place is a button that jumps to the line of a clause.
  #place(at, name = '') {
    if (!at.line) return name + (at.place ?? '')
    return h('button', {type: 'button', class: 'link', 'data-key': `${at.place ?? name} ${at.line}`, title: at.place, onclick: () => this.#jump(at.file, at.line, at.column)}, `${name}${at.file}:${at.line}`)
  }

  #part(key, title, open, ...children) {
    const e = h('details', {open: this.#open.get(key) ?? open, ontoggle: () => this.#open.set(key, e.open)}, h('summary', {'data-key': key}, title), h('div', {class: 'stack'}, ...children))
    return e
  }

  #route(t) {
    const r = t.route
    if (!r) return
    const title = r.name ? ['Route ', h('b', {}, r.name)] : 'No route covers the request'
    return this.#part('route', title, !r.name,
      r.place && h('p', {}, this.#place(r), r.pattern && ` ${r.pattern}`),
      r.auth && h('p', {}, `auth: ${r.auth}`),
      r.vars && this.#value('variables', r.vars),
      r.section && h('p', {}, `A path of the API: ${r.section}`),
      (r.others ?? []).map(o => h('p', {}, `${o.name} (${o.pattern}): ${o.reason}`)),
      r.unlike > 0 && h('p', {}, `${plural(r.unlike, 'other route')} with another path`))
  }

  #token(t) {
    if (!t) return
    const title = !t.read ? 'No token is read' : t.verified ? 'Token verified' : t.reason ? 'Token refused' : 'No token'
    return this.#part('token', title, Boolean(t.reason),
      t.reason && h('p', {}, t.reason),
      t.simulated && h('p', {}, 'It was made for this request: the policy need not know its key.'),
      t.claims && this.#value('claims', t.claims),
      (t.sources ?? []).map(s => h('p', {}, `${s.found ? '✓' : '·'} ${s.place}${s.reason ? `: ${s.reason}` : ''}`)),
      (t.stages ?? []).map(s => h('p', {}, `${s.result === 'ok' ? '✓' : s.result === 'refused' ? '✗' : '·'} ${s.name}${s.reason ? `: ${s.reason}` : ''}`)),
      (t.entries ?? []).filter(e => !t.verified || e.accepted).map(e => h('p', {}, `${e.accepted ? '✓' : '✗'} ${e.provider ?? 'an entry of auth.tokens'}${e.reason ? `: ${e.reason}` : ''}`)),
      (t.calls ?? []).map(c => this.#call(c)))
  }

  #rules(title, list) {
    return (list ?? []).map((e, i) => this.#part(`${title} ${i}`, e.document ? `${title}, document ${e.document}` : title, true,
      h('ul', {class: 'tree', 'aria-label': title}, this.#clause(e.clause, `${title} ${i}`)),
      e.leftOut > 0 && h('p', {}, `${plural(e.leftOut, 'clause')} more`)))
  }

  #clause(c, key, depth = 0) {
    const at = `${key} ${c.place}`
    const title = [
      h('span', {class: `sign ${c.outcome.replace(' ', '-')}`, role: 'img', 'aria-label': c.outcome}, signs[c.outcome]), ' ',
      h('span', {class: 'kind'}, name(c)), c.name && h('b', {}, ` ${c.name}`),
      c.deciding && h('span', {class: 'decides'}, ' decides'),
    ]
    const inner = [
      c.reason && !c.from && h('p', {}, c.reason),
      (c.operands ?? []).map(o => this.#operand(o)),
      (c.calls ?? []).map(call => this.#call(call)),
      (c.changes ?? []).map(x => h('p', {}, `${x.path}: ${text(x.before)} → ${text(x.after)}${x.undone ? ' (undone)' : ''}`)),
      (c.response ?? []).map(r => h('p', {}, `for the response: ${r}`)),
    ].flat(3).filter(Boolean)
    const below = [
      ...(c.clauses ?? []).map(x => this.#clause(x, key, depth + 1)),
      ...(c.elements ? this.#elements(c.elements, key, depth) : []),
    ]
    const own = inner.length > 0 && this.#part(at, title, c.deciding || c.outcome === 'no' || c.outcome === 'unknown', ...inner)
    return h('li', {class: c.deciding && 'deciding'}, h('div', {class: 'clause'}, own || h('div', {class: 'leaf'}, title), c.line && this.#place(c)),
      below.length > 0 && h('ul', {}, below))
  }

  #elements(e, key, depth) {
    if (e.count === 0) return (e.clauses ?? []).map(c => this.#clause(c, key, depth + 1))
    return [h('li', {}, h('p', {}, `${plural(e.count, 'element')}: ${e.yes} yes, ${e.no} no, ${e.unknown} unknown`)),
      ...(e.shown ?? []).map(x => h('li', {}, h('p', {}, `${signs[x.outcome]} element ${x.index}${x.value ? ` = ${text(x.value)}` : ''}`),
        h('ul', {}, (x.clauses ?? []).map(c => this.#clause(c, `${key} ${x.index}`, depth + 1)))))]
  }

  #operand(o) {
    const label = o.text || o.field
    if (o.value && text(o.value) === o.text) return
    return h('p', {class: 'operand'}, h('span', {}, label), o.value ? ' = ' : ': ', o.value ? h('code', {}, text(o.value)) : o.missing)
  }

  #call(c) {
    const what = c.kind === 'query' ? `asked ${c.db}.${c.col}${c.find ? ` for ${text(c.find)}` : ''}` : `${c.kind === 'webhook' ? 'posted to' : 'asked'} ${c.url}`
    const r = c.reply
    return h('div', {class: 'call'}, h('p', {}, what), c.body && h('p', {}, `body ${text(c.body)}`), c.claims && h('p', {}, `claims ${text(c.claims)}`),
      (c.headers ?? []).map(x => h('p', {}, `${x.name}: ${x.value}`)),
      h('p', {}, !r ? 'no reply' : r.error ? `failed: ${r.error}` : `got ${[r.status, r.rows && text(r.rows), r.body && text(r.body)].filter(Boolean).join(' ')}`))
  }

  #value(label, v) { return h('p', {}, `${label} `, h('code', {}, text(v))) }

  #message(key, title, before, after, changes) {
    const n = changes?.length ?? 0
    return this.#part(key, `${title} ${n === 0 ? (key === 'request' ? 'it unchanged' : 'it unchanged') : `it with ${plural(n, 'change')}`}`, n > 0,
      difference(lines(before), lines(after), {before: key === 'request' ? 'sent' : 'from the upstream', after: title.toLowerCase()}))
  }

  #answer(a) {
    return this.#part('answer', 'The client gets this answer', false, h('pre', {tabindex: '0', 'aria-label': 'answer'},
      [`${a.status}`, ...a.headers.map(([k, v]) => `${k}: ${v}`), '', a.body].join('\n')))
  }
}

// name is what a clause is.
function name(c) {
  if (c.type && c.operands?.length === 2) return `${c.kind} ${c.operands[0].text} ${c.eval} ${c.operands[1].text}`
  if (c.type) return `${c.kind} ${c.type} ${c.eval}`
  if (c.kind === 'use' && c.clauses?.length === 1) return `use ${c.clauses[0].place.replace(/^define\./, '')}`
  return c.kind
}

// text writes a value of a trace.
function text(v) {
  if (!v || v.json === undefined) return 'nothing'
  return JSON.stringify(v.json) + (v.cut ? ' …' : '')
}

// lines writes a message as lines.
function lines(m) {
  const out = [m.method ? `${m.method} ${m.target}` : String(m.status ?? '')]
  for (const x of m.headers ?? []) if (!x.name.startsWith(':')) out.push(`${x.name}: ${x.value}`)
  if (m.json) out.push('', ...JSON.stringify(m.json.json, null, 2).split('\n'))
  else if (m.body) out.push('', ...(m.body + (m.cut ? ' …' : '')).split('\n'))
  return out
}
