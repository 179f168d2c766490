// newWorker starts a worker with a compiled evaluator. Without one, the worker fetches it.
export function newWorker(module) {
  const worker = new Worker('worker.js')
  worker.postMessage({start: true, module})
  return worker
}
