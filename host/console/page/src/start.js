// Starts the first worker before the page's own script is loaded, so that the evaluator
// is fetched and compiled meanwhile.
import {newWorker} from './newworker.js'

self.firstWorker = newWorker()
self.firstWorker.onerror = () => { self.firstWorker = undefined } // the page tries again
