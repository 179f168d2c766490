// A list of tabs, as the ARIA Authoring Practices have it: arrows move, Home and End too.
import {fill, h} from './dom.js'

export class Tabs {
  root
  #choose

  constructor(label, choose) {
    this.#choose = choose
    this.root = h('div', {class: 'tabs', role: 'tablist', 'aria-label': label, onkeydown: e => this.#key(e)})
  }

  // show shows tabs [id, label, mark], of which one is chosen.
  show(list, chosen, panel) {
    const focused = this.root.contains(document.activeElement)
    fill(this.root, list.map(([id, label, mark]) => h('button', {
      type: 'button', role: 'tab', 'data-id': id, 'aria-selected': String(id === chosen), 'aria-controls': panel, tabindex: id === chosen ? '0' : '-1',
      onclick: () => this.#choose(id),
    }, label, mark && h('span', {class: 'mark', title: 'not saved', 'aria-label': 'not saved', role: 'img'}, ' ●'))))
    if (focused) this.root.querySelector('[aria-selected=true]')?.focus()
  }

  #key(e) {
    const all = [...this.root.children]
    const at = all.indexOf(document.activeElement)
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1}[e.key]
    if (at < 0 || to === undefined) return
    e.preventDefault()
    this.#choose(all[(to + all.length) % all.length].dataset.id)
  }
}
