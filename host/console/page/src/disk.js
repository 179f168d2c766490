// The files of `rulegate console policy.yaml`: they are saved when asked to, and their
// changes on the disk are taken over.
import {fill, h} from './dom.js'
import {Session} from './session.js'

export class Disk {
  button = h('button', {type: 'button', hidden: true, onclick: () => this.save()}, 'Save')
  box = h('div', {class: 'changed', role: 'alert', hidden: true})
  #session
  #known = new Map() // {text, hash} of each file
  #page

  // page has files(), put(name, text), changed(), showTabs() and say(text).
  constructor(page) { this.#page = page }

  get open() { return this.#session !== undefined }

  // close leaves the session: what is shown is not of its files.
  close() {
    this.#session?.stop()
    this.#session = undefined
    this.#known.clear()
    this.box.hidden = true
  }

  // start reads the files of the tab's session; it returns nothing if there is none.
  async start() {
    const session = Session.found()
    if (!session) return
    const answer = await session.load()
    this.#session = session
    for (const [name, file] of Object.entries(answer.files)) this.#known.set(name, file)
    session.watch(() => this.#read())
    return {files: Object.fromEntries(Object.entries(answer.files).map(([n, f]) => [n, f.text])), policy: answer.policy, tests: answer.tests}
  }

  // unsaved reports whether a file is not on the disk as it is here.
  unsaved(name) { return this.open && this.#known.get(name)?.text !== this.#page.files()[name] }

  show() {
    this.button.hidden = !this.open
    this.button.disabled = !Object.keys(this.#page.files()).some(name => this.unsaved(name))
  }

  async save() {
    for (const [name, text] of Object.entries(this.#page.files())) {
      if (!this.unsaved(name)) continue
      try {
        this.#known.set(name, {text, hash: await this.#session.save(name, text, this.#known.get(name)?.hash ?? '')})
      } catch (e) {
        this.#page.say(`${name} is not saved: ${e.message}`)
        return this.#page.showTabs()
      }
    }
    this.#page.say('Saved.')
    this.#page.showTabs()
  }

  // read takes over the files that were not changed here, and asks about the others.
  async #read() {
    const answer = await this.#session.load()
    const clashes = []
    for (const [name, file] of Object.entries(answer.files)) {
      const known = this.#known.get(name)
      if (known?.hash === file.hash) continue
      const mine = this.#page.files()[name]
      if (mine !== undefined && mine !== known?.text && mine !== file.text) clashes.push(name)
      else this.#page.put(name, file.text)
      this.#known.set(name, file)
    }
    for (const name of this.#known.keys()) if (!(name in answer.files)) this.#known.delete(name)
    this.box.hidden = clashes.length === 0
    fill(this.box, clashes.length > 0 && [h('span', {}, `${clashes.join(', ')} changed on the disk.`),
      h('button', {type: 'button', onclick: () => {
        for (const name of clashes) this.#page.put(name, this.#known.get(name).text)
        this.box.hidden = true
        this.#page.changed()
      }}, 'Take it from the disk'), h('button', {type: 'button', onclick: () => { this.box.hidden = true }}, 'Keep what is here')])
    this.#page.changed()
  }
}
