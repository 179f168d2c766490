import {fill, h} from './dom.js'

// dialog makes a dialog with one text. done returns what is wrong with it.
export function dialog(title, about, label, done) {
  const text = h('textarea', {rows: 6, spellcheck: 'false', 'aria-label': label})
  const wrong = h('p', {role: 'alert', class: 'wrong'})
  const e = h('dialog', {'aria-labelledby': 'dialog-title', onclose: () => fill(wrong)},
    h('form', {
      method: 'dialog', class: 'stack', onsubmit: async event => {
        event.preventDefault()
        const fault = await done(text.value)
        if (fault) return fill(wrong, fault)
        e.close()
      },
    },
    h('h2', {id: 'dialog-title'}, title), h('p', {}, about), text, wrong,
    h('div', {class: 'row end'}, h('button', {type: 'button', onclick: () => e.close()}, 'Cancel'), h('button', {class: 'primary'}, 'Show'))))
  return e
}
