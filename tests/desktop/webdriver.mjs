// A window of Sotto through WebKit's own WebDriver (W3C WebDriver over HTTP), one driver process
// for each window: the driver starts the window, and its environment is the window's.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { freePort, isReady } from '../../scripts/network-lib.mjs'
import { binary } from '../../scripts/paths.mjs'
import { ready, startProgram } from '../../scripts/programs.mjs'
import { until } from '../ui/until.mjs'

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'
const PATIENCE = 60_000
const KEYS = { Enter: '\uE007' }

// In the page.
function isStill() {
  const moves = (animation) =>
    animation.playState === 'running' && animation.effect.getTiming().iterations !== Infinity
  return !document.getAnimations().some(moves)
}

export class WebDriver {
  #session

  static async open({ name, env, log, program = binary('sotto-desktop') }) {
    const port = await freePort()
    const driver = new WebDriver()
    driver.env = env
    driver.url = `http://127.0.0.1:${port}`
    driver.program = startProgram({
      name: `window ${name}`,
      command: 'WebKitWebDriver',
      args: [`--port=${port}`, '--host=127.0.0.1'],
      // Without it the web view does not let itself be driven.
      env: { ...env, TAURI_WEBVIEW_AUTOMATION: 'true' },
      log,
    })
    try {
      await ready(driver.program, () => isReady(`${driver.url}/status`))
      const capabilities = {
        alwaysMatch: { 'webkitgtk:browserOptions': { binary: program, args: [] } },
      }
      const { sessionId } = await driver.#call('POST', '/session', { capabilities })
      driver.#session = `/session/${sessionId}`
    } catch (error) {
      await driver.program.stop()
      throw error
    }
    return driver
  }

  async #call(method, path, body) {
    const response = await fetch(this.url + path, {
      method,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    }).catch((error) => {
      throw new Error(`${method} ${path}: ${error.cause?.message ?? error.message}`)
    })
    const { value } = await response.json()
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`)
    return value
  }

  #ask(method, path, body) {
    return this.#call(method, this.#session + path, body)
  }

  // Runs a function in the page.
  read(script, ...args) {
    return this.#ask('POST', '/execute/sync', { script: `return (${script})(...arguments)`, args })
  }

  // The same, waiting for the promise it gives.
  readAsync(script, ...args) {
    const call = `const done = arguments[arguments.length - 1]
      Promise.resolve((${script})(...[...arguments].slice(0, -1))).then(done)`
    return this.#ask('POST', '/execute/async', { script: call, args })
  }

  async #element(css) {
    return until(`${css} on the page`, async () => {
      const using = { using: 'css selector', value: css }
      return (await this.#ask('POST', '/element', using))[ELEMENT]
    })
  }

  async click(css) {
    // What still moves is missed.
    await until(`nothing that moves, for a click on ${css}`, () => this.read(isStill))
    // Again while something else is in its way, or it has just been drawn anew.
    await until(`a click on ${css}`, async () => {
      await this.#ask('POST', `/element/${await this.#element(css)}/click`, {})
      return true
    })
  }

  async press(css, key) {
    await this.#type(css, KEYS[key])
  }

  async fill(css, text) {
    // What stands there is selected and so replaced, as a person would do it.
    await this.read((where) => {
      const field = document.querySelector(where)
      field.focus()
      field.select()
    }, css)
    await this.#type(css, text)
    await until(`${css} filled`, () =>
      this.read((where, value) => document.querySelector(where).value === value, css, text),
    )
  }

  async #type(css, text) {
    await this.#ask('POST', `/element/${await this.#element(css)}/value`, { text })
  }

  windows() {
    return this.#ask('GET', '/window/handles')
  }

  resize(width, height) {
    return this.#ask('POST', '/window/rect', { width, height })
  }

  place(x, y) {
    return this.#ask('POST', '/window/rect', { x, y })
  }

  // What is on the screen. (WebDriver's own screenshot never comes for a window without the focus.)
  screenshot(file) {
    const env = { ...process.env, ...this.env }
    const search = ['search', '--onlyvisible', '--pid', String(this.windowProcess())]
    const [id] = execFileSync('xdotool', search, { env, encoding: 'utf8' }).trim().split('\n')
    execFileSync('import', ['-window', id, file], { env })
  }

  // The window's own process: the driver's only child.
  windowProcess() {
    const { pid } = this.program
    const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return Number(children.trim().split(' ')[0])
  }

  // Milliseconds since 1970. The kernel counts in hundredths of a second since it was started.
  processStartedAt() {
    const stat = fs.readFileSync(`/proc/${this.windowProcess()}/stat`, 'utf8')
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
    const [uptime] = fs.readFileSync('/proc/uptime', 'utf8').split(' ')
    return Date.now() - (Number(uptime) * 1000 - ticks * 10)
  }

  // As a power cut would: nothing is told that this is the end.
  async kill() {
    process.kill(this.windowProcess(), 'SIGKILL')
    await this.program.stop()
  }

  // As the user does it.
  async close() {
    await this.#ask('DELETE', '/window').catch(() => {}) // ends the session as well
    await this.program.stop()
  }
}
