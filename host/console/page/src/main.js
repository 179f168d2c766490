// The page: policy, request, decision. The state is one object; each change of it asks
// the evaluator again, and the answers are shown.
import {Comparison} from './compare.js'
import {DecisionView} from './decision.js'
import {dialog} from './dialog.js'
import {Disk} from './disk.js'
import {add, fill, h, later} from './dom.js'
import {Editor} from './editor.js'
import {Evaluator} from './evaluator.js'
import {examples} from './examples.js'
import * as panels from './panels.js'
import {RequestForm, question} from './request.js'
import {checked, fromLink, link} from './share.js'
import {Tabs} from './tabs.js'
import * as take from './take.js'

const evaluator = new Evaluator()
let state = structuredClone(examples[0].state)
let offered = {} // what the policy calls and lacks, by the last decision
let first = true

// The parts of the page.
const note = h('p', {role: 'status', class: 'note'})
const tabs = new Tabs('Files', open)
const place = h('div', {class: 'editor', id: 'file', role: 'tabpanel', 'aria-label': 'File'})
const comparison = new Comparison({
  state: () => state, changed, say,
  ask: question => evaluator.ask('diff', {op: 'diff', ...files(), ...question}),
  take: takeDifference,
})
const problemList = h('div', {class: 'panel'})
const testList = h('div', {class: 'panel'})
const form = h('form', {class: 'stack', onsubmit: e => e.preventDefault()})
const decisionBox = h('div', {class: 'stack decision', 'aria-live': 'polite', 'aria-atomic': 'false'})
const picker = h('select', {'aria-label': 'Example', onchange: () => {
  say()
  load(examples[picker.value].state)
}}, h('option', {value: '', disabled: true}, 'Examples'), examples.map((e, i) => h('option', {value: String(i)}, e.name)))
const disk = new Disk({
  files: () => state.files, changed, showTabs, say,
  put: (name, text) => {
    state.files[name] = text
    if (editor.name === name) editor.replace(text)
  },
})
const summary = h('a', {class: 'summary', href: '#decision', 'aria-hidden': 'true', tabindex: '-1'})

const logDialog = dialog('Show a line of a log', 'A line of the decision log, or a refusal in the log of the module or of rulegate run. It opens the request, the rule and the clause that decided.', 'Line', showLine)

const sections = {
  policy: h('section', {class: 'column', 'aria-labelledby': 'policy-title'},
    h('div', {class: 'title'}, h('h2', {id: 'policy-title'}, 'Policy'), tabs.root),
    h('div', {class: 'editors'}, comparison.side, h('div', {class: 'side'}, h('h3', {}, 'Now'), place)),
    h('div', {class: 'below'}, comparison.list, problemList,
      h('div', {class: 'title sub'}, h('h3', {}, 'Tests'), h('button', {type: 'button', class: 'small', onclick: addTest}, 'Add as a test')), testList)),
  request: h('section', {class: 'column', 'aria-labelledby': 'request-title'}, h('div', {class: 'title'}, h('h2', {id: 'request-title'}, 'Request')), form),
  decision: h('section', {class: 'column', id: 'decision', 'aria-labelledby': 'decision-title'}, h('div', {class: 'title'}, h('h2', {id: 'decision-title'}, 'Decision')), decisionBox),
}

add(document.body, [
  h('header', {class: 'bar'}, h('h1', {}, 'rulegate'), picker, h('span', {class: 'grow'}), note,
    comparison.button, h('button', {type: 'button', onclick: () => logDialog.showModal()}, 'Log line'), h('button', {type: 'button', onclick: share}, 'Link'), disk.button),
  disk.box,
  h('main', {class: 'columns'}, sections.policy, sections.request, sections.decision),
  summary, logDialog,
])

const editor = new Editor(place, {
  changed: (name, text) => {
    state.files[name] = text
    changed()
  },
  complete: (file, line, column) => evaluator.ask('complete', {op: 'complete', ...files(), file, line, column}),
  hover: (file, line, column) => evaluator.ask('hover', {op: 'hover', ...files(), file, line, column}),
})
const view = new DecisionView(decisionBox, jump)
const request = new RequestForm(form, changed)

function files() { return {files: state.files, policy: state.policy, env: state.env} }

// changed asks for everything anew.
function changed() {
  decide()
  test()
  if (comparison.on) comparison.ask()
  showTabs()
}

async function decide() {
  const {doc, wrong} = question(state.request, offered)
  const answer = await evaluator.ask('decide', {op: 'decide', ...files(), request: doc})
  if (!answer) return
  const calls = JSON.stringify([answer.tables, answer.webhooks])
  if (answer.trace || answer.faults || answer.failed) {
    const news = calls !== JSON.stringify([offered.tables, offered.webhooks])
    offered = {tables: answer.tables, webhooks: answer.webhooks, missing: answer.missing}
    request.offer(answer)
    if (news) return decide() // the request may have rows for these
  }
  view.show(answer, wrong)
  sum(answer)
  if (answer.diagnostics) {
    diagnostics = [...answer.diagnostics, ...testDiagnostics]
    showDiagnostics()
  }
  if (first) {
    first = false
    performance.mark('first-decision')
  }
  document.body.dataset.decisions = String(Number(document.body.dataset.decisions ?? 0) + 1)
}

let diagnostics = []
let testDiagnostics = []

function showDiagnostics() {
  editor.diagnose(diagnostics)
  panels.problems(problemList, diagnostics, {jump, apply})
}

function apply(d, fix) {
  open(d.path)
  editor.apply(d.path, fix)
}

// sum shows the outcome below the columns, for narrow windows.
function sum(a) {
  const d = a.trace?.decision
  fill(summary, d ? `${d.outcome === 'yes' ? '✓ Allowed' : '✗ Refused'} ${d.status ?? ''}` : 'No decision')
}

const test = later(async () => {
  if (typeof state.files[state.tests] !== 'string') {
    testDiagnostics = []
    editor.cover([])
    return panels.tests(testList, undefined, {jump})
  }
  const answer = await evaluator.ask('test', {op: 'test', ...files(), tests: state.tests})
  if (!answer) return
  testDiagnostics = (answer.diagnostics ?? []).filter(d => d.path === state.tests)
  diagnostics = [...diagnostics.filter(d => d.path !== state.tests), ...testDiagnostics]
  showDiagnostics()
  lastTests = answer
  editor.cover(answer.clauses ?? [])
  panels.tests(testList, answer, {jump})
  document.body.dataset.tests = answer.error || answer.why ? 'failed' : `${answer.passed} ${answer.failed}`
}, 250)

let lastTests

// takeDifference puts the request of a difference into the form.
function takeDifference(d) {
  Object.assign(state.request, take.ofDifference(d))
  for (const [name, v] of Object.entries(d.request.replies ?? {})) state.request[name.includes('://') ? 'webhooks' : 'data'][name] = JSON.stringify(v)
  request.show(state)
  request.offer(offered)
  decide()
  sections.request.querySelector('input, select, textarea').focus()
}

function names() {
  const list = Object.keys(state.files)
  return [state.policy, ...list.filter(n => n !== state.policy && n !== state.tests).sort(), ...list.filter(n => n === state.tests)]
}

function showTabs() {
  tabs.show(names().map(n => [n, n, disk.unsaved(n)]), editor.name ?? state.policy, 'file')
  disk.show()
}

function open(name) {
  if (typeof state.files[name] !== 'string') return
  if (editor.name !== name) {
    editor.open(name, state.files[name])
    if (lastTests) editor.cover(lastTests.clauses ?? [])
  }
  showTabs()
}

function jump(file, line, column) {
  open(file)
  editor.jump(line, column)
}

// load replaces the whole state.
function load(next) {
  state = structuredClone(next)
  offered = {}
  lastTests = undefined
  diagnostics = []
  testDiagnostics = []
  editor.forget()
  view.forget()
  editor.open(state.policy, state.files[state.policy])
  request.show(state)
  comparison.show(state.before !== '')
  changed()
}

function say(...what) {
  fill(note, what)
}

async function share() {
  const url = await link(state)
  try {
    await navigator.clipboard.writeText(url)
    // With the link in its address, the page would lose the session's files when it is loaded again.
    if (!disk.open) history.replaceState(null, '', url)
    say('The link is copied. It holds the whole state, secrets that were typed too.')
  } catch {
    history.replaceState(null, '', url)
    say('The link is in the address bar. It holds the whole state, secrets that were typed too.')
  }
}

async function addTest() {
  const {doc, wrong} = question(state.request, offered)
  if (wrong.length > 0) return say('The request has fields that cannot be read: ', wrong.join('; '))
  const answer = await evaluator.ask('record', {op: 'record', ...files(), tests: state.tests, name: `${state.request.method} ${state.request.path}`, request: doc})
  if (!answer) return
  if (!answer.text) return say(answer.error ?? answer.diagnostics?.[0]?.message ?? 'The test cannot be added.')
  state.files[state.tests] = answer.text
  open(state.tests)
  editor.replace(answer.text)
  editor.jump(answer.text.trimEnd().split('\n').length)
  say(`Added to ${state.tests}.`)
  changed()
}

async function showLine(text) {
  const answer = await evaluator.ask('log', {op: 'log', ...files(), text})
  if (!answer) return
  if (answer.error) return answer.error
  const {decision: d, entry: e} = answer
  if (e?.request) {
    Object.assign(state.request, take.ofEntry(e))
    request.show(state)
    request.offer(offered)
  }
  changed()
  const r = d.record
  say(`${r.of ?? 'request'} ${r.outcome}${r.status ? ` ${r.status}` : ''}`, r.reason && `: ${r.reason}`, d.note && ` (${d.note})`)
  if (d.line) jump(d.file, d.line, d.column)
}

async function start() {
  disk.close()
  try {
    // A link has a state of its own: nothing of it may be saved over the session's files.
    const shared = await fromLink(location.hash)
    if (shared) return load(shared)
  } catch (e) {
    say('The link cannot be read: ', e.message)
  }
  try {
    const files = await disk.start()
    load(files ? checked(files) : examples[0].state)
    if (files) picker.value = ''
  } catch (e) {
    disk.close()
    load(examples[0].state)
    say(e.status === 401 ? 'Open the link that rulegate console has printed, to edit its file.' : `The file cannot be read: ${e.message}`)
  }
}

window.addEventListener('hashchange', () => start())
window.addEventListener('beforeunload', e => { if (disk.open && !disk.button.disabled) e.preventDefault() })
window.addEventListener('keydown', e => {
  if ((e.ctrlKey || e.metaKey) && e.key === 's') {
    e.preventDefault()
    if (disk.open) disk.save()
  }
})
start()
