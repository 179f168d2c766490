// The editor of the files: CodeMirror in a shadow root, where its styles are sheets that
// the Content-Security-Policy need not allow.
import {autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, snippetCompletion} from '@codemirror/autocomplete'
import {defaultKeymap, history, historyKeymap, indentWithTab} from '@codemirror/commands'
import {yaml} from '@codemirror/lang-yaml'
import {bracketMatching, indentUnit, syntaxHighlighting} from '@codemirror/language'
import {lintGutter, lintKeymap, linter, setDiagnostics} from '@codemirror/lint'
import {highlightSelectionMatches, searchKeymap} from '@codemirror/search'
import {EditorSelection, EditorState, RangeSet, StateEffect, StateField} from '@codemirror/state'
import {Decoration, EditorView, GutterMarker, drawSelection, gutter, highlightActiveLine, highlightActiveLineGutter, hoverTooltip, keymap, lineNumbers} from '@codemirror/view'
import {aboutWord} from './about.js'
import {h} from './dom.js'
import {colours, theme} from './look.js'

// The line that was jumped to.
const setJumped = StateEffect.define()
const jumped = StateField.define({
  create: () => Decoration.none,
  update(lines, tr) {
    for (const e of tr.effects) if (e.is(setJumped)) return e.value === null ? Decoration.none : Decoration.set(Decoration.line({class: 'cm-jumped'}).range(e.value))
    return tr.docChanged ? Decoration.none : lines
  },
  provide: f => EditorView.decorations.from(f),
})

// The coverage of the tests: what each line's clauses have shown.
class Covered extends GutterMarker {
  constructor(sign, about) {
    super()
    this.sign = sign
    this.about = about
  }
  eq(other) { return other.sign === this.sign && other.about === this.about }
  toDOM() { return h('span', {title: this.about, role: 'img', 'aria-label': this.about}, this.sign) }
}
const setCovered = StateEffect.define()
const covered = StateField.define({
  create: () => RangeSet.empty,
  update(marks, tr) {
    for (const e of tr.effects) if (e.is(setCovered)) return e.value
    return marks.map(tr.changes)
  },
})

// deep reports whether a text is nested deeper than any policy. The parser for the colours
// calls itself at each level: it would take long, and run out of stack.
function deep(text) {
  if (/(?:[-?] ){200}/.test(text)) return true
  let depth = 0
  for (const c of text) {
    if (c === '[' || c === '{') depth++
    else if (c === ']' || c === '}') depth--
    if (depth > 200) return true
  }
  return false
}

export class Editor {
  #files = new Map() // the editor's state of each file
  #name
  #view
  #diagnostics = []
  #on

  // on has changed(name, text), and complete and hover(name, line, column).
  constructor(parent, on) {
    this.#on = on
    const root = parent.attachShadow({mode: 'open'})
    const at = h('div', {class: 'root'})
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(':host{display:block;min-height:0} .root{height:100%}')
    root.adoptedStyleSheets = [sheet]
    root.append(at)
    this.#view = new EditorView({parent: at, root, state: this.#state('')})
  }

  #state(text) {
    return EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), gutter({class: 'cm-covered', markers: view => view.state.field(covered)}), covered, jumped,
        history(), drawSelection(), EditorState.tabSize.of(2), indentUnit.of('  '), bracketMatching(), closeBrackets(),
        highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(),
        deep(text) ? [] : yaml(), syntaxHighlighting(colours), theme,
        linter(null), lintGutter(),
        autocompletion({override: [c => this.#complete(c)], icons: false}),
        hoverTooltip((view, pos) => this.#hover(pos)), aboutWord(pos => this.#hover(pos)),
        // Tab indents; Escape and then Tab leaves the editor.
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...searchKeymap, ...historyKeymap, ...lintKeymap, ...defaultKeymap, indentWithTab]),
        // A text that gets too deep for the highlighter loses its colours.
        EditorView.exceptionSink.of(e => { if (!(e instanceof RangeError)) console.error(e) }),
        EditorView.contentAttributes.of({tabindex: '0', 'aria-label': 'Text of the file. F1 explains the word at the cursor. Escape and then Tab leaves the editor.'}),
        EditorView.updateListener.of(u => {
          if (u.docChanged && this.#name) this.#on.changed(this.#name, u.state.doc.toString())
        }),
      ],
    })
  }

  // open shows a file. Another text than the one that the editor has replaces it.
  open(name, text) {
    if (this.#name) this.#files.set(this.#name, this.#view.state)
    this.#name = undefined
    let state = this.#files.get(name) ?? this.#state(text)
    if (state.doc.toString() !== text) state = this.#state(text)
    this.#view.setState(state)
    this.#name = name
    this.#show()
  }

  get name() { return this.#name }

  forget() { this.#files.clear() }

  // replace puts another text into the file that is shown, so that it can be undone.
  replace(text) {
    const old = this.#view.state.doc
    let from = 0
    const was = old.toString()
    while (from < was.length && was[from] === text[from]) from++
    let end = 0
    while (end < was.length - from && end < text.length - from && was.at(-1 - end) === text.at(-1 - end)) end++
    this.#view.dispatch({changes: {from, to: was.length - end, insert: text.slice(from, text.length - end)}})
  }

  // diagnose shows the diagnostics of the files.
  diagnose(list) {
    this.#diagnostics = list
    this.#show()
  }

  #show() {
    const doc = this.#view.state.doc
    const shown = this.#diagnostics.filter(d => d.path === this.#name && d.range.start.line <= doc.lines).map(d => {
      const from = this.#offset(d.range.start)
      return {
        from, to: Math.max(this.#offset(d.range.end), from), severity: d.severity,
        message: d.message + (d.code === 'fault' ? '' : ` [${d.code}]`),
        actions: (d.fixes ?? []).map(f => ({name: f.title, apply: () => this.apply(d.path, f)})),
      }
    })
    this.#view.dispatch(setDiagnostics(this.#view.state, shown))
  }

  // apply changes the file that is shown as a fix says.
  apply(path, fix) {
    if (path !== this.#name) return
    this.#view.dispatch({changes: fix.edits.map(e => ({from: this.#offset(e.range.start), to: this.#offset(e.range.end), insert: e.text}))})
    this.#view.focus()
  }

  // cover shows the counts of clauses beside their lines.
  cover(clauses) {
    const doc = this.#view.state.doc
    const lines = new Map()
    for (const c of clauses) {
      if (c.file !== this.#name || c.line < 1 || c.line > doc.lines) continue
      lines.set(c.line, [...lines.get(c.line) ?? [], c])
    }
    const marks = [...lines].sort(([a], [b]) => a - b).map(([line, list]) => {
      const missing = list.filter(c => c.missing)
      const about = list.map(c => `${c.kind}: yes ${c.yes}, no ${c.no}, unknown ${c.unknown}${c.missing ? ` (${c.missing})` : ''}`).join('\n')
      return new Covered(missing.length === 0 ? '✓' : missing.length === list.length && missing.every(c => c.missing === 'never asked') ? '○' : '◐', about).range(doc.line(line).from)
    })
    this.#view.dispatch({effects: setCovered.of(RangeSet.of(marks))})
  }

  // jump goes to a line of the file that is shown.
  jump(line, column = 1) {
    const doc = this.#view.state.doc
    if (line > doc.lines) return
    const at = this.#offset({line, column})
    this.#view.dispatch({
      selection: EditorSelection.cursor(at),
      effects: [EditorView.scrollIntoView(at, {y: 'center'}), setJumped.of(doc.line(line).from)],
    })
    this.#view.focus()
  }

  // offset is the position of a line and a column in characters, both from 1.
  #offset({line, column}) {
    const l = this.#view.state.doc.line(Math.max(1, Math.min(line, this.#view.state.doc.lines)))
    let at = 0
    for (let i = 1; i < column && at < l.text.length; i++) at += l.text.codePointAt(at) > 0xffff ? 2 : 1
    return l.from + at
  }

  // place is the line and the column of a position.
  #place(pos) {
    const l = this.#view.state.doc.lineAt(pos)
    return [l.number, [...l.text.slice(0, pos - l.from)].length + 1]
  }

  async #complete(context) {
    const typed = context.matchBefore(/[\w.$'"[\]<>=!-]*/)
    if (!context.explicit && typed.from === typed.to) return null
    const answer = await this.#on.complete(this.#name, ...this.#place(context.pos))
    if (!answer?.items?.length || context.aborted) return null
    const from = this.#offset(answer.items[0].edit.range.start)
    return {
      from, to: context.pos,
      options: answer.items.map((i, n) => {
        const text = i.edit.text
        const option = {label: i.label, detail: i.detail === 'needed' ? 'needed' : undefined, info: i.about && (() => markdown(i.about)), boost: -n, type: i.kind}
        return i.snippet ? snippetCompletion(text.replace(/\$(\d)/g, '$${$1}').replace(/\$\{(\d):/g, '$${$1:'), option) : {...option, apply: text}
      }),
    }
  }

  async #hover(pos) {
    const answer = await this.#on.hover(this.#name, ...this.#place(pos))
    if (!answer?.markdown) return null
    return {
      pos: this.#offset(answer.range.start), end: this.#offset(answer.range.end), above: true,
      create: () => ({dom: markdown(answer.markdown)}),
    }
  }
}

// markdown shows the little Markdown that the texts have: code and links.
function markdown(text) {
  const parts = text.replace(/\[([^\]]+)\]\([^)]*\)/g, '$1').split('`')
  return h('div', {class: 'cm-about'}, parts.map((p, i) => i % 2 === 1 ? h('code', {}, p) : p))
}
