// The evaluator's worker. One question is answered at a time; a question of the same kind
// that waits is replaced by the next. A worker that takes longer than `limit` is ended,
// so that no policy and no request can freeze the page. The question gets one more worker,
// if no newer one of its kind waits: the machine may have been busy with other things.
const limit = 2000

export class Evaluator {
  #module
  #worker
  #waiting = []
  #asked
  #id = 0

  constructor() {
    this.#module = compile()
    this.#module.catch(() => {})
  }

  // ask returns the answer to a question; undefined if a newer question of this kind
  // came before it was asked.
  ask(kind, question) {
    const late = this.#waiting.findIndex(q => q.kind === kind)
    if (late >= 0) this.#waiting.splice(late, 1)[0].resolve(undefined)
    return new Promise(resolve => {
      this.#waiting.push({kind, question, resolve})
      this.#next()
    })
  }

  async #next() {
    if (this.#asked || this.#waiting.length === 0) return
    const asked = this.#asked = this.#waiting.shift()
    asked.id = ++this.#id
    try {
      const module = await this.#module
      if (!this.#worker) await this.#start(module)
    } catch (e) {
      return this.#answer({error: `The evaluator cannot be loaded: ${e.message}`})
    }
    if (this.#asked !== asked) return
    asked.timer = setTimeout(() => this.#stop(`ended after ${limit / 1000} s, twice: this takes too long in a page`), limit)
    try {
      this.#worker.postMessage({id: asked.id, question: JSON.stringify(asked.question)})
    } catch (e) {
      this.#answer({error: `The question cannot be asked: ${e.message}`}) // it is nested too deep
    }
  }

  // start resolves when the worker is ready, so that its start does not count as work.
  #start(module) {
    const {promise, resolve} = Promise.withResolvers()
    this.#worker = new Worker('worker.js')
    this.#worker.onmessage = ({data}) => {
      if (data.ready) return resolve()
      if (data.id !== this.#asked?.id) return
      if (data.broken) this.#stop(`the evaluator has ended: ${data.broken}`)
      else this.#answer(data.answer)
    }
    this.#worker.onerror = e => {
      this.#stop(`the evaluator has ended: ${e.message}`)
      resolve()
    }
    this.#worker.postMessage({module})
    return promise
  }

  #stop(why) {
    this.#worker?.terminate()
    this.#worker = undefined
    const asked = this.#asked
    if (!asked) return
    if (this.#waiting.some(q => q.kind === asked.kind)) return this.#answer(undefined)
    if (asked.again) return this.#answer({error: why})
    clearTimeout(asked.timer)
    this.#asked = undefined
    this.#waiting.unshift({...asked, again: true})
    this.#next()
  }

  #answer(answer) {
    const asked = this.#asked
    clearTimeout(asked.timer)
    this.#asked = undefined
    asked.resolve(answer)
    this.#next()
  }
}

// compile fetches the evaluator, which is gzipped; a server may have unpacked it.
async function compile() {
  const response = await fetch('eval.wasm.gz')
  if (!response.ok) throw new Error(`eval.wasm.gz: ${response.status}`)
  const bytes = new Uint8Array(await response.arrayBuffer())
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return WebAssembly.compile(bytes)
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return WebAssembly.compileStreaming(new Response(unpacked, {headers: {'content-type': 'application/wasm'}}))
}
