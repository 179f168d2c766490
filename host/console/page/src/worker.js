// The worker runs the evaluator. Its messages are
//   {start, module}  run a compiled module; without one, fetch it
//   {hello}          answered {ready, module} as soon as it runs, or {missing} with a reason
//   {id, question}   answered {id, answer}, or {id, broken} with a reason
// The page ends it when an answer takes too long.
import 'wasm_exec'

let ready // a promise of the module

self.onmessage = async ({data}) => {
  if (data.start) {
    ready = run(data.module)
    ready.catch(() => {}) // whoever says hello is told
  } else if (data.hello) {
    ready.then(module => self.postMessage({ready: true, module}), e => self.postMessage({missing: String(e.message)}))
  } else {
    try {
      self.postMessage({id: data.id, answer: JSON.parse(self.rulegate(data.question))})
    } catch (e) {
      self.postMessage({id: data.id, broken: String(e)})
    }
  }
}

async function run(given) {
  const module = given ?? await compile()
  const go = new Go()
  go.run(await WebAssembly.instantiate(module, go.importObject))
  // The first answer compiles much of the code. Where a worker was ended, that does not
  // count as work; the first one of a page answers at once.
  if (given) self.rulegate(warm)
  return module
}

const warm = JSON.stringify({
  op: 'decide', policy: 'p', request: {tests: [{request: 'GET /'}]},
  files: {p: '{routes: [{match: {path: /}, rule: {rule: and, clauses: [{rule: match, type: string, eval: "==", f1: args.request.method, f2: GET}]}}]}'},
})

// compile fetches and compiles the evaluator, both at the same time. It is gzipped: a
// server that says so has the browser unpack it.
async function compile() {
  const response = await fetch('eval.wasm.gz')
  if (!response.ok) throw new Error(`eval.wasm.gz: ${response.status}`)
  if (response.headers.get('content-type') === 'application/wasm') return WebAssembly.compileStreaming(response)
  const reader = response.body.getReader()
  const {value: start = new Uint8Array()} = await reader.read()
  const packed = start[0] === 0x1f && start[1] === 0x8b
  const whole = new ReadableStream({
    start: to => to.enqueue(start),
    async pull(to) {
      const {done, value} = await reader.read()
      if (done) to.close()
      else to.enqueue(value)
    },
  })
  const code = packed ? whole.pipeThrough(new DecompressionStream('gzip')) : whole
  return WebAssembly.compileStreaming(new Response(code, {headers: {'content-type': 'application/wasm'}}))
}
