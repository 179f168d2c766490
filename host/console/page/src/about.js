// F1 explains the word at the cursor, as the mouse does; Escape closes the text.
import {StateEffect, StateField} from '@codemirror/state'
import {EditorView, keymap, showTooltip} from '@codemirror/view'

const set = StateEffect.define()
const shown = StateField.define({
  create: () => null,
  update(tooltip, tr) {
    for (const e of tr.effects) if (e.is(set)) return e.value
    return tr.docChanged || tr.selection ? null : tooltip
  },
  provide: f => showTooltip.from(f),
})

// aboutWord is the extension. about(position) returns a tooltip, or null.
export function aboutWord(about) {
  const open = view => {
    const {state} = view
    about(state.selection.main.head).then(tooltip => {
      if (!tooltip || view.state.doc !== state.doc || !view.state.selection.eq(state.selection)) return
      view.dispatch({effects: [set.of(tooltip), EditorView.announce.of(tooltip.create().dom.textContent)]})
    })
    return true
  }
  const close = view => {
    if (!view.state.field(shown)) return false
    view.dispatch({effects: set.of(null)})
    return true
  }
  return [shown, keymap.of([{key: 'F1', run: open}, {key: 'Escape', run: close}])]
}
