// Two texts as one, with the lines that differ marked.
import {h} from './dom.js'

const most = 2000 // lines

// difference shows the lines of two texts. The names say what the texts are.
export function difference(a, b, names) {
  return h('pre', {class: 'difference', tabindex: '0', 'aria-label': `${names.before} and ${names.after}`},
    compare(a.slice(0, most), b.slice(0, most)).map(([sign, line]) => line === '' && sign === ' ' ? h('span', {class: 'same'}, '\n') : sign === '-'
      ? h('del', {}, h('span', {class: 'mark', 'aria-hidden': 'true'}, '− '), line, '\n')
      : sign === '+' ? h('ins', {}, h('span', {class: 'mark', 'aria-hidden': 'true'}, '+ '), line, '\n') : h('span', {class: 'same'}, '  ', line, '\n')))
}

// compare returns the lines of both, with a sign: in order, with the longest common part.
export function compare(a, b) {
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++
  const x = a.slice(start, a.length - end)
  const y = b.slice(start, b.length - end)
  const out = a.slice(0, start).map(l => [' ', l])
  if (x.length * y.length > 250_000) {
    out.push(...x.map(l => ['-', l]), ...y.map(l => ['+', l]))
  } else {
    const common = Array.from({length: x.length + 1}, () => new Uint16Array(y.length + 1))
    for (let i = x.length - 1; i >= 0; i--) {
      for (let j = y.length - 1; j >= 0; j--) common[i][j] = x[i] === y[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1])
    }
    let i = 0
    let j = 0
    while (i < x.length || j < y.length) {
      if (i < x.length && j < y.length && x[i] === y[j]) {
        out.push([' ', x[i++]])
        j++
      } else if (i < x.length && (j === y.length || common[i + 1][j] >= common[i][j + 1])) out.push(['-', x[i++]])
      else out.push(['+', y[j++]])
    }
  }
  return [...out, ...a.slice(a.length - end).map(l => [' ', l])]
}
