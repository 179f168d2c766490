// Two policies side by side, and the requests that they decide otherwise.
import {fill, h, later} from './dom.js'
import {Editor} from './editor.js'
import * as panels from './panels.js'

const most = 4 << 20 // bytes of a file

export class Comparison {
  button = h('button', {type: 'button', 'aria-pressed': 'false', onclick: () => this.#toggle()}, 'Compare')
  side = h('div', {class: 'side', hidden: true})
  list = h('div', {class: 'panel', 'aria-live': 'polite'})
  on = false
  #title = h('h3', {})
  #file = h('input', {type: 'file', accept: '.yaml,.yml,.json', onchange: () => this.#read()})
  #editor
  #page

  // page has state(), ask(question), changed(), take(difference) and say(text).
  constructor(page) {
    this.#page = page
    const place = h('div', {class: 'editor'})
    fill(this.side, h('div', {class: 'before'}, this.#title, h('label', {class: 'file'}, this.#file, 'Open a file')), place)
    this.#editor = new Editor(place, {
      changed: (_, text) => {
        page.state().before = text
        page.changed()
      },
      complete: () => undefined, hover: () => undefined,
    })
  }

  #toggle() {
    const state = this.#page.state()
    if (this.on) Object.assign(state, {before: '', beforeName: ''})
    else state.before ||= state.files[state.policy]
    this.show(!this.on)
  }

  // show shows the state's policy before the change, or none.
  show(on) {
    this.on = on
    this.button.setAttribute('aria-pressed', String(on))
    this.side.hidden = !on
    document.body.classList.toggle('comparing', on)
    this.list.replaceChildren()
    this.#file.value = ''
    if (!on) return
    this.#fill()
    this.ask()
  }

  #fill() {
    const {before, beforeName} = this.#page.state()
    fill(this.#title, beforeName ? `Before: ${beforeName}` : 'Before the change')
    this.#editor.forget()
    this.#editor.open('before', before)
  }

  // read opens a file as the policy before the change. It never leaves the page.
  async #read() {
    const file = this.#file.files[0]
    if (!file) return
    try {
      if (file.size > most) throw new Error('it has more than 4 MiB')
      const text = new TextDecoder('utf-8', {fatal: true}).decode(await file.arrayBuffer())
      if (text.includes('\0')) throw new Error('it is no text')
      Object.assign(this.#page.state(), {before: text, beforeName: file.name})
    } catch (e) {
      return this.#page.say(`${file.name} cannot be opened: ${e instanceof TypeError ? 'it is no text in UTF-8' : e.message}`)
    }
    this.#page.say(`${file.name} is compared with the policy.`)
    this.#fill()
    this.ask()
  }

  // ask compares both anew.
  ask = later(async () => {
    const {files, policy, before} = this.#page.state()
    const old = 'before: ' + policy // beside the policy, so that it includes the same files
    const answer = await this.#page.ask({files: {...files, [old]: before}, old})
    if (answer && this.on) panels.differences(this.list, answer, {take: this.#page.take})
  }, 300)
}
