// The colours and the theme of the editor.
import {HighlightStyle} from '@codemirror/language'
import {EditorView} from '@codemirror/view'
import {tags} from '@lezer/highlight'

export const colours = HighlightStyle.define([
  {tag: [tags.definition(tags.propertyName), tags.propertyName], color: 'var(--accent-text)'},
  {tag: [tags.string, tags.content, tags.literal], color: 'var(--text)'},
  {tag: [tags.comment, tags.lineComment], color: 'var(--quiet)', fontStyle: 'italic'},
  {tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace, tags.keyword], color: 'var(--quiet)'},
])

export const theme = EditorView.theme({
  '&': {height: '100%', color: 'var(--text)', backgroundColor: 'var(--page)', fontSize: 'var(--size)'},
  '&.cm-focused': {outline: 'none'},
  '.cm-scroller': {fontFamily: 'var(--face)', lineHeight: '1.55'},
  '.cm-content': {caretColor: 'var(--text)', padding: '8px 0'},
  '.cm-cursor': {borderLeftColor: 'var(--text)'},
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {backgroundColor: 'var(--selected)'},
  '.cm-gutters': {color: 'var(--quiet)', backgroundColor: 'var(--page)', border: 'none', paddingLeft: '4px'},
  '.cm-activeLine, .cm-activeLineGutter': {backgroundColor: 'var(--line)'},
  '.cm-gutter-lint': {width: '12px'},
  '.cm-lint-marker': {width: '8px', height: '8px'},
  '.cm-lintRange-error': {backgroundImage: 'none', textDecoration: 'underline wavy var(--alarm) 1.5px', textUnderlineOffset: '3px'},
  '.cm-lintRange-warning': {backgroundImage: 'none', textDecoration: 'underline dotted var(--text) 1.5px', textUnderlineOffset: '3px'},
  '.cm-tooltip': {color: 'var(--text)', backgroundColor: 'var(--raised)', border: '1px solid var(--edge)', borderRadius: '6px', maxWidth: 'min(48ch, 90vw)', boxShadow: '0 4px 16px rgb(0 0 0 / .18)'},
  '.cm-tooltip-hover': {padding: '0'},
  '.cm-diagnostic': {padding: '6px 10px', borderLeft: '3px solid var(--edge)', whiteSpace: 'pre-wrap'},
  '.cm-diagnostic-error': {borderLeftColor: 'var(--alarm)'},
  '.cm-diagnosticAction': {font: 'inherit', color: 'var(--on-accent)', backgroundColor: 'var(--accent)', borderRadius: '4px', padding: '1px 8px', margin: '4px 8px 0 0'},
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {fontFamily: 'var(--face)', maxHeight: '16em'},
  '.cm-tooltip-autocomplete ul li[aria-selected]': {color: 'var(--on-accent)', backgroundColor: 'var(--accent)'},
  '.cm-completionDetail': {fontStyle: 'normal', color: 'inherit', opacity: '.8', marginLeft: '1.5em'},
  '.cm-completionMatchedText': {textDecoration: 'none', fontWeight: '700'},
  '.cm-tooltip.cm-completionInfo': {padding: '6px 10px'},
  '.cm-about': {padding: '6px 10px', whiteSpace: 'pre-wrap'},
  '.cm-panels': {color: 'var(--text)', backgroundColor: 'var(--raised)', borderColor: 'var(--edge)'},
  '.cm-panel.cm-search': {fontFamily: 'var(--face)'},
  '.cm-panel.cm-search input, .cm-panel.cm-search button': {font: 'inherit', color: 'var(--text)', backgroundColor: 'var(--page)', backgroundImage: 'none', border: '1px solid var(--edge)', borderRadius: '4px'},
  '.cm-searchMatch': {backgroundColor: 'var(--selected)'},
  '.cm-covered': {width: '1.4em', textAlign: 'center', fontWeight: '700'},
  '.cm-jumped': {backgroundColor: 'var(--selected)'},
})
