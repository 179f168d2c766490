// What stands below the editor: faults and warnings, tests, and what a change does.
import {fill, h, plural} from './dom.js'

// problems lists diagnostics. on has jump(file, line, column) and apply(diagnostic, fix).
export function problems(root, list, on) {
  if (list.length === 0) return fill(root, h('p', {class: 'quiet'}, '✓ No faults and no warnings'))
  fill(root, h('ul', {class: 'problems', 'aria-label': 'Faults and warnings'}, list.slice(0, 50).map((d, i) => h('li', {class: d.severity},
    h('button', {type: 'button', class: 'link', 'data-key': `problem ${i}`, onclick: () => on.jump(d.path, d.range.start.line, d.range.start.column)}, `${d.path}:${d.range.start.line}`),
    h('span', {class: 'sign', role: 'img', 'aria-label': d.severity}, d.severity === 'error' ? '✗' : '!'),
    h('span', {}, d.message, d.code !== 'fault' && h('span', {class: 'quiet'}, ` [${d.code}]`)),
    (d.fixes ?? []).map((f, n) => h('button', {type: 'button', class: 'small', 'data-key': `fix ${i} ${n}`, onclick: () => on.apply(d, f)}, f.title)))),
  list.length > 50 && h('li', {}, `${list.length - 50} more`)))
}

// tests shows the results of the tests.
export function tests(root, a, on) {
  if (!a) return fill(root, h('p', {class: 'quiet'}, 'No tests. A request becomes one with “Add as a test”.'))
  if (a.error || a.why) return fill(root, h('p', {}, 'The tests do not run: ', (a.error ?? a.why).split('\n')[0]))
  const bad = a.results.filter(r => r.type === 'test' && r.result !== 'pass')
  const never = a.clauses.filter(c => c.missing)
  fill(root,
    h('p', {}, h('b', {}, a.failed === 0 ? `✓ ${plural(a.passed, 'test')} passed` : `✗ ${a.failed} of ${plural(a.passed + a.failed, 'test')} failed`),
      `, ${a.percent.toFixed(0)} % of the outcomes shown`, a.stopped && ' (ended: the tests take too long in a page)'),
    bad.length > 0 && h('ul', {class: 'problems', 'aria-label': 'Failed tests'}, bad.slice(0, 30).map((r, i) => h('li', {class: 'error'},
      h('button', {type: 'button', class: 'link', 'data-key': `test ${i}`, onclick: () => on.jump(r.file, r.line, r.column)}, `${r.file}:${r.line}`),
      h('span', {class: 'sign', role: 'img', 'aria-label': 'failed'}, '✗'),
      h('span', {}, r.name, r.error && `: ${r.error}`, (r.differences ?? []).map(d => h('span', {class: 'block'}, `${d.what}: want ${d.want}, got ${d.got}`)))))),
    never.length > 0 && h('details', {}, h('summary', {}, `${plural(never.length, 'clause')} not shown whole`),
      h('ul', {class: 'problems'}, never.slice(0, 50).map((c, i) => h('li', {},
        h('button', {type: 'button', class: 'link', 'data-key': `never ${i}`, onclick: () => on.jump(c.file, c.line, c.column)}, `${c.file}:${c.line}`), h('span', {}, `${c.kind}: ${c.missing}`))))))
}

// differences shows what the policy decides otherwise than the one before.
export function differences(root, a, on) {
  if (!a) return fill(root)
  if (a.error) return fill(root, h('p', {}, a.error))
  if (!a.report) {
    const faults = (a.diagnostics ?? []).filter(d => d.severity === 'error')
    return fill(root, h('p', {}, 'One of the two policies has a fault, so they cannot be compared.'),
      h('ul', {}, faults.slice(0, 5).map(d => h('li', {}, `${d.path}:${d.range.start.line}: ${d.message}`))),
      faults.some(d => d.path.startsWith('before/')) && h('p', {class: 'quiet'}, 'Files that the policy before the change includes are opened together with it.'))
  }
  fill(root,
    h('ul', {class: 'problems', 'aria-label': 'What the change does'}, a.report.differences.map((d, i) => h('li', {class: d.shows ? 'error' : 'note'},
      h('button', {type: 'button', class: 'link', 'data-key': `difference ${i}`, onclick: () => on.take(d)}, `${d.method} ${d.host ?? ''}${d.path}`),
      h('span', {class: 'sign', role: 'img', 'aria-label': d.kind}, d.shows ? '!' : '·'),
      h('span', {}, d.summary, Object.keys(d.request).length > 0 && h('code', {class: 'block'}, JSON.stringify(d.request)))))),
    a.lines.map(l => h('p', {class: 'quiet'}, l)))
}
