// h makes an element: h('button', {type: 'button', onclick}, 'text', child…). Texts are
// text nodes, whatever is in them; nothing in the page is ever parsed as HTML.
export function h(name, attributes, ...children) {
  const e = document.createElement(name)
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue
    if (key.startsWith('on')) e.addEventListener(key.slice(2), value)
    else if (key === 'value') e.value = value
    else e.setAttribute(key, value === true ? '' : value)
  }
  add(e, children)
  return e
}

// add appends children, and leaves out what is none.
export function add(e, children) {
  for (const child of children.flat(9)) {
    if (child === undefined || child === null || child === false || child === '') continue
    e.append(child instanceof Node ? child : String(child))
  }
}

// fill replaces the children of an element. The focus stays at the child with the same
// data-key.
export function fill(e, ...children) {
  const key = e.contains(document.activeElement) ? document.activeElement.dataset?.key : undefined
  e.replaceChildren()
  add(e, children)
  if (key) e.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({preventScroll: true})
}

export function plural(n, one, many = one + 's') {
  return `${n} ${n === 1 ? one : many}`
}

// later returns a function that calls f when it was not called for some milliseconds.
export function later(f, ms) {
  let timer
  return (...args) => {
    clearTimeout(timer)
    timer = setTimeout(f, ms, ...args)
  }
}
