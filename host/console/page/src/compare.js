// Two policies side by side, and the requests that they decide otherwise.
import {fill, h, later} from './dom.js'
import {Editor} from './editor.js'
import * as panels from './panels.js'

const most = 4 << 20 // bytes of all files
const folder = 'before/' // of the policy before the change and its files
const isTests = name => /_test\.(ya?ml|json)$/.test(name)
const base = path => path.split('/').pop()

export class Comparison {
  button = h('button', {type: 'button', 'aria-pressed': 'false', onclick: () => this.#toggle()}, 'Compare')
  side = h('div', {class: 'side', hidden: true})
  list = h('div', {class: 'panel', 'aria-live': 'polite'})
  on = false
  #title = h('h3', {})
  #file = h('input', {type: 'file', multiple: true, accept: '.yaml,.yml,.json', onchange: () => this.#read(this.#file.files)})
  #editor
  #page

  // page has state(), ask(question), changed(), take(difference) and say(text).
  constructor(page) {
    this.#page = page
    const place = h('div', {class: 'editor'})
    fill(this.side, h('div', {class: 'before'}, this.#title, h('label', {class: 'file'}, this.#file, 'Open files')), place)
    // The editor would take the files' text for what is typed.
    this.side.addEventListener('dragover', e => { if (e.dataTransfer?.types.includes('Files')) e.preventDefault() }, true)
    this.side.addEventListener('drop', e => {
      if (!e.dataTransfer?.files.length) return
      e.preventDefault()
      e.stopPropagation()
      this.#read(e.dataTransfer.files)
    }, true)
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
    if (this.on) Object.assign(state, {before: '', beforeName: '', beforeFiles: {}})
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

  // read opens files: the policy before the change, and those that it includes. They never
  // leave the page.
  async #read(list) {
    const files = [...list].filter(f => !isTests(f.name) || list.length === 1)
    if (!files.length) return
    const {policy, files: mine} = this.#page.state()
    const main = [base(policy), 'policy.yaml'].map(name => files.find(f => f.name === name)).find(f => f) ?? files[0]
    const beforeFiles = {}
    let before = '', size = 0
    for (const file of files) {
      try {
        if ((size += file.size) > most) throw new Error('it has more than 4 MiB')
        const text = new TextDecoder('utf-8', {fatal: true}).decode(await file.arrayBuffer())
        if (text.includes('\0')) throw new Error('it is no text')
        // The browser does not tell the folder of a file: it is that of the policy's file of
        // this name.
        if (file === main) before = text
        else beforeFiles[Object.keys(mine).find(path => base(path) === file.name) ?? file.name] = text
      } catch (e) {
        const why = e instanceof TypeError ? 'it is no text in UTF-8' : e instanceof DOMException ? 'it is a folder, or gone' : e.message
        return this.#page.say(`${file.name} cannot be opened: ${why}`)
      }
    }
    Object.assign(this.#page.state(), {before, beforeName: main.name, beforeFiles})
    const others = Object.keys(beforeFiles)
    this.#page.say(`${main.name} is compared with the policy${others.length ? `, with ${others.join(', ')}` : ''}.`)
    this.#fill()
    this.ask()
  }

  // ask compares both anew.
  ask = later(async () => {
    const {files, policy, before, beforeFiles} = this.#page.state()
    // What the policy before the change includes and nobody has opened is the present file.
    const beside = Object.entries({...files, ...beforeFiles}).map(([path, text]) => [folder + path, text])
    const old = folder + policy
    const answer = await this.#page.ask({files: {...files, ...Object.fromEntries(beside), [old]: before}, old})
    if (answer && this.on) panels.differences(this.list, answer, {take: this.#page.take})
  }, 300)
}
