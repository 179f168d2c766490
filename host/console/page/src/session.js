// The files of `rulegate console policy.yaml`. The command prints a link with a token in
// its fragment; without it, the page works on its own.
const key = 'rulegate-token'

export class Session {
  #token
  #version = ''
  #stopped = false

  constructor(token) { this.#token = token }

  // found returns the session of the link, or of this tab; undefined if there is none.
  static found() {
    const given = /^#token=([\w-]+)$/.exec(location.hash)?.[1]
    if (given) {
      sessionStorage.setItem(key, given)
      history.replaceState(null, '', location.pathname)
    }
    const token = given ?? sessionStorage.getItem(key)
    return token ? new Session(token) : undefined
  }

  // load returns {policy, tests, files: {path: {text, hash}}}.
  async load() {
    const answer = await this.#ask('api/files')
    this.#version = answer.version
    return answer
  }

  // save writes a file, if it is on the disk as it was read. It returns its new hash.
  async save(path, text, hash) {
    return (await this.#ask('api/files', {method: 'PUT', headers: {'content-type': 'application/json'}, body: JSON.stringify({path, text, hash})})).hash
  }

  // stop ends watching.
  stop() { this.#stopped = true }

  // watch calls f whenever a file has changed on the disk.
  async watch(f) {
    while (!this.#stopped) {
      try {
        const {version} = await this.#ask(`api/changes?version=${encodeURIComponent(this.#version)}`)
        if (version !== this.#version && !this.#stopped) {
          this.#version = version
          await f()
        }
      } catch (e) {
        if (e.status === 401) return
        await new Promise(done => setTimeout(done, 2000))
      }
    }
  }

  async #ask(path, options = {}) {
    const response = await fetch(path, {...options, headers: {...options.headers, authorization: `Bearer ${this.#token}`}, cache: 'no-store'})
    const answer = await response.json().catch(() => ({error: `${response.status} ${response.statusText}`}))
    if (response.ok) return answer
    if (response.status === 401) sessionStorage.removeItem(key)
    throw Object.assign(new Error(answer.error), {status: response.status})
  }
}
