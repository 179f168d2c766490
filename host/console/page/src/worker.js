// The worker runs the evaluator. Its first message is the compiled module; it answers
// each other one. The page ends it when an answer takes too long.
import 'wasm_exec'

let ready

const warm = JSON.stringify({
  op: 'decide', policy: 'p', request: {tests: [{request: 'GET /'}]},
  files: {p: '{routes: [{match: {path: /}, rule: {rule: and, clauses: [{rule: match, type: string, eval: "==", f1: args.request.method, f2: GET}]}}]}'},
})

self.onmessage = async ({data}) => {
  if (data.module) {
    const go = new Go()
    ready = WebAssembly.instantiate(data.module, go.importObject).then(instance => {
      go.run(instance)
      // The first answer compiles much of the code: it does not count as work.
      self.rulegate(warm)
      self.postMessage({ready: true})
    })
    return
  }
  try {
    await ready
    self.postMessage({id: data.id, answer: JSON.parse(self.rulegate(data.question))})
  } catch (e) {
    self.postMessage({id: data.id, broken: String(e)})
  }
}
