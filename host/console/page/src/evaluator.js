// The evaluator's worker. One question is answered at a time; a question of the same kind
// that waits is replaced by the next. A worker that takes longer than `limit` is ended,
// so that no policy and no request can freeze the page. The question gets one more worker,
// if no newer one of its kind waits: the machine may have been busy with other things.
import {newWorker} from './newworker.js'

const limit = 2000

export class Evaluator {
  #module // for the next worker
  #worker
  #ready // a promise of the worker's start
  #waiting = []
  #asked
  #id = 0

  constructor() { this.#use(self.firstWorker ?? newWorker()) }

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
      if (!this.#worker) this.#use(newWorker(this.#module))
      await this.#ready
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

  // use takes a worker. Its start does not count as work.
  #use(worker) {
    const {promise, resolve, reject} = Promise.withResolvers()
    promise.catch(() => {}) // the next question tells of it
    this.#ready = promise
    this.#worker = worker
    worker.onmessage = ({data}) => {
      if (data.ready) {
        this.#module = data.module
        resolve()
      } else if (data.missing) {
        worker.terminate()
        this.#worker = undefined
        reject(new Error(data.missing))
      } else if (data.id !== this.#asked?.id) return
      else if (data.broken) this.#stop(`the evaluator has ended: ${data.broken}`)
      else this.#answer(data.answer)
    }
    worker.onerror = e => {
      this.#stop(`the evaluator has ended: ${e.message}`)
      resolve()
    }
    worker.postMessage({hello: true})
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
