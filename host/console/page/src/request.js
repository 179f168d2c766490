// The form of the request. It holds no state of its own: what is typed goes into the
// state's `request`, of which question() makes a file with one test.
import {fill, h} from './dom.js'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']

export class RequestForm {
  #state
  #changed
  #root
  #data
  #hooks
  #env
  #shown = ''

  // changed is called after each change of the state.
  constructor(root, changed) {
    this.#root = root
    this.#changed = changed
  }

  // show builds the form for a state.
  show(state) {
    this.#state = state
    const r = state.request
    this.#shown = ''
    this.#data = h('div', {class: 'stack'})
    this.#hooks = h('div', {class: 'stack'})
    this.#env = h('div', {class: 'stack'})
    const claims = this.#text('claims', 'Claims', {json: true, rows: 4, hint: 'A token with these claims, which the policy accepts, is made on the spot.'})
    const token = this.#text('token', 'Token', {rows: 4, hint: 'It is verified with the keys that stand in the policy. Set the time to now, unless it has expired.'})
    const body = this.#text('body', 'Body', {rows: 5})
    const answer = h('div', {class: 'stack'},
      h('div', {class: 'row'}, this.#input('status', 'Status', {narrow: true}), this.#text('responseHeaders', 'Headers', {rows: 2, placeholder: 'content-type: application/json'})),
      this.#text('response', 'Body', {rows: 6}))
    const user = this.#choice('user', 'User', [['nobody', 'nobody'], ['claims', 'claims'], ['token', 'a token']], () => {
      claims.hidden = r.user !== 'claims'
      token.hidden = r.user !== 'token'
    })
    const kind = this.#choice('bodyKind', 'Body', [['none', 'none'], ['json', 'JSON'], ['text', 'text or form']], () => { body.hidden = r.bodyKind === 'none' })
    const answered = this.#check('answered', 'The upstream answers', () => { answer.hidden = !r.answered })
    fill(this.#root,
      h('div', {class: 'row'},
        h('label', {class: 'narrow'}, 'Method', this.#select('method', methods)),
        this.#input('path', 'Path and query', {placeholder: '/v1/todos/7?page=2'})),
      this.#text('headers', 'Headers', {rows: 3, placeholder: 'accept: application/json', hint: 'One a line.'}),
      user, claims, token,
      kind, body,
      this.#data, this.#hooks,
      answered, answer,
      h('details', {open: this.#more()},
        h('summary', {}, 'Host, address, certificate, time'),
        h('div', {class: 'stack'},
          h('div', {class: 'row'}, this.#input('host', 'Host', {placeholder: 'localhost'}), this.#input('ip', 'Client’s address', {placeholder: '127.0.0.1'})),
          this.#text('peer', 'Client’s certificate', {json: true, rows: 2, placeholder: '{"uriSan": "spiffe://shop/orders"}'}),
          h('div', {class: 'row end'}, this.#input('now', 'Time', {placeholder: '2026-01-01T00:00:00Z'}),
            h('button', {type: 'button', onclick: () => {
              r.now = new Date().toISOString().replace(/\.\d+/, '')
              this.show(this.#state)
              this.#changed()
            }}, 'Now')))),
      this.#env)
  }

  #more() {
    const r = this.#state.request
    return Boolean(r.host || r.ip || r.peer || r.now)
  }

  // offer shows fields for what the policy calls and for the variables that it lacks.
  offer(answer) {
    const {tables = [], webhooks = [], missing = []} = answer
    const names = [...new Set([...missing, ...Object.keys(this.#state.env)])].filter(n => !n.includes('.') && !n.includes('/'))
    const key = JSON.stringify([tables, webhooks, names])
    if (key === this.#shown) return
    this.#shown = key
    const r = this.#state.request
    fill(this.#data, tables.map(name => this.#entry(r.data, name, `Rows of ${name}`, '[{"id": "7"}]')))
    fill(this.#hooks, webhooks.map(url => this.#entry(r.webhooks, url, `Answer of ${url}`, '{"status": 200, "json": {}}')))
    fill(this.#env, names.length > 0 && h('details', {},
      h('summary', {}, 'Variables of the policy'),
      h('p', {class: 'hint'}, 'Those that are empty have stand-ins: tokens of claims are accepted anyway.'),
      names.map(name => h('label', {}, name, h('input', {
        type: 'password', autocomplete: 'off', spellcheck: 'false', value: this.#state.env[name] ?? '', 'data-key': 'env ' + name,
        oninput: e => {
          if (e.target.value) this.#state.env[name] = e.target.value
          else delete this.#state.env[name]
          this.#changed()
        },
      })))))
  }

  #entry(of, name, label, placeholder) {
    return h('label', {}, label, area({
      rows: 3, placeholder, value: of[name] ?? '', 'data-key': label,
      oninput: e => {
        of[name] = e.target.value
        json(e.target)
        this.#changed()
      },
    }))
  }

  #set(name, value) {
    this.#state.request[name] = value
    this.#changed()
  }

  #input(name, label, {narrow, placeholder} = {}) {
    return h('label', {class: narrow && 'narrow'}, label, h('input', {
      type: 'text', name, placeholder, spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', value: this.#state.request[name],
      oninput: e => this.#set(name, e.target.value),
    }))
  }

  #text(name, label, {rows, placeholder, hint, json: isJSON} = {}) {
    return h('label', {}, label, area({
      name, rows, placeholder, value: this.#state.request[name],
      oninput: e => {
        if (isJSON) json(e.target)
        this.#set(name, e.target.value)
      },
    }), hint && h('span', {class: 'hint'}, hint))
  }

  #select(name, values) {
    const list = values.includes(this.#state.request[name]) ? values : [...values, this.#state.request[name]]
    const e = h('select', {name, onchange: e => this.#set(name, e.target.value)}, list.map(v => h('option', {}, v)))
    e.value = this.#state.request[name]
    return e
  }

  #choice(name, label, values, show) {
    const id = `choice-${name}`
    const e = h('fieldset', {class: 'choice'}, h('legend', {}, label), values.map(([value, text]) => h('label', {},
      h('input', {
        type: 'radio', name: id, value, checked: this.#state.request[name] === value,
        onchange: () => {
          this.#state.request[name] = value
          show()
          this.#changed()
        },
      }), h('span', {}, text))))
    show()
    return e
  }

  #check(name, label, show) {
    const e = h('label', {class: 'check'}, h('input', {
      type: 'checkbox', name, checked: this.#state.request[name],
      onchange: e => {
        this.#state.request[name] = e.target.checked
        show()
        this.#changed()
      },
    }), label)
    show()
    return e
  }
}

function area(attributes) {
  return h('textarea', {spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', ...attributes})
}

// json marks a field whose text is no JSON.
function json(e) {
  let wrong = ''
  try {
    if (e.value.trim()) JSON.parse(e.value)
  } catch (x) {
    wrong = x.message
  }
  if (wrong) e.setAttribute('aria-invalid', 'true')
  else e.removeAttribute('aria-invalid')
  e.title = wrong
}

// question returns a file with one test, and the names of fields that are no JSON.
export function question(r, offered) {
  const wrong = []
  const parse = (text, name) => {
    try {
      return JSON.parse(text)
    } catch {
      wrong.push(name)
    }
  }
  const test = {request: `${r.method} ${r.path}`}
  const doc = {tests: [test]}
  if (r.user === 'claims') {
    const claims = parse(r.claims || '{}', 'Claims')
    if (claims !== null && typeof claims === 'object' && !Array.isArray(claims)) {
      doc.who = {user: claims}
      test.as = 'user'
    } else if (claims !== undefined) wrong.push('Claims')
  } else if (r.user === 'token' && r.token.trim()) {
    doc.who = {user: {token: r.token.trim()}}
    test.as = 'user'
  }
  for (const name of ['host', 'ip', 'now']) if (r[name]) test[name] = r[name]
  if (r.peer.trim()) test.peer = parse(r.peer, 'Client’s certificate')
  const headers = lines(r.headers, wrong)
  if (headers) test.headers = headers
  if (r.bodyKind === 'json') test.json = parse(r.body || 'null', 'Body')
  else if (r.bodyKind === 'text') test.body = r.body
  const filled = (names, texts, what) => {
    const out = {}
    for (const name of names ?? []) if (texts[name]?.trim()) out[name] = parse(texts[name], `${what} ${name}`)
    return Object.keys(out).length > 0 ? out : undefined
  }
  doc.data = filled(offered?.tables, r.data, 'Rows of')
  doc.webhooks = filled(offered?.webhooks, r.webhooks, 'Answer of')
  if (r.answered) {
    test.response = {status: Number(r.status) || 200}
    const headers = lines(r.responseHeaders, wrong)
    if (headers) test.response.headers = headers
    if (r.response.trim()) {
      try {
        test.response.json = JSON.parse(r.response)
      } catch {
        test.response.body = r.response
      }
    }
  }
  return {doc, wrong}
}

// lines reads headers, one a line. A repeated name has a list.
function lines(text, wrong) {
  const out = {}
  for (const line of text.split('\n')) {
    if (!line.trim()) continue
    const at = line.indexOf(':', 1)
    if (at < 0) {
      wrong.push(`Headers: ${line.slice(0, 40)} (want name: value)`)
      continue
    }
    const name = line.slice(0, at).trim()
    const value = line.slice(at + 1).trim()
    out[name] = Object.hasOwn(out, name) ? [out[name], value].flat() : value
  }
  return Object.keys(out).length > 0 ? out : undefined
}
