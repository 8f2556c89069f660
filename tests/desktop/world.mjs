// Alice and Bob, each with a window, a relay of their own and an account at a PDS of their own.
// Alice's desktop has a keyring, Bob's has none.

import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  appEnvironment,
  freePort,
  startNetwork,
  startRelay,
  stopPrograms,
} from '../../scripts/network-lib.mjs'
import { inRoot } from '../../scripts/paths.mjs'
import { Sotto } from '../ui/sotto.mjs'
import { startPersonalSession, startScreen } from './desktop.mjs'
import { WebDriver } from './webdriver.mjs'

// After a change of size: drawn anew, and fonts and transitions are through.
const SETTLED = 500
const BROWSER = inRoot('tests/desktop/browser.mjs')
export const PASSPHRASE = 'correct horse battery'

export class Person extends Sotto {
  constructor({ account, env, log, place }) {
    super(undefined)
    Object.assign(this, { account, env, log, place })
  }

  async open(more = {}) {
    const env = { ...this.env, ...more }
    const { log, program } = this
    this.driver = await WebDriver.open({ name: this.account.name, env, log, program })
    await this.driver.place(this.place, 0)
  }

  // To where messages can be written, after a start that is not the first.
  async unlocked() {
    if (!this.keyring) await this.choosePassphrase(PASSPHRASE)
    await this.appears('new-conversation', { timeout: 30_000 })
  }

  // What the core has of a conversation, beyond what is in view.
  async history() {
    return this.driver.readAsync(async () => {
      const { invoke } = window.__TAURI_INTERNALS__
      const [{ id: conversationId }] = await invoke('conversations')
      const all = []
      for (;;) {
        const before = all.length > 0 ? all[0].id : null
        const page = await invoke('messages', { conversationId, before, limit: 100 })
        if (page.length === 0) return all
        all.unshift(...page)
      }
    })
  }
}

export class World {
  people = []

  // `relay` is a program, where it is not to be the one of the debug build.
  static async start(name, { relay } = {}) {
    const world = new World()
    world.relayProgram = relay
    world.folder = inRoot('artifacts/desktop', `run-${name}-${process.pid}`)
    fs.mkdirSync(world.folder, { recursive: true })
    try {
      await world.#start()
    } catch (error) {
      await world.stop({ keepLogs: true })
      throw error
    }
    return world
  }

  async #start() {
    const [screen, network] = await Promise.all([
      startScreen(this.folder),
      startNetwork({ log: this.path('network.log') }),
    ])
    Object.assign(this, { screen, network })
    for (const [index, account] of network.accounts.entries()) await this.#settle(account, index)
    ;[this.alice, this.bob] = this.people
  }

  path(...parts) {
    return path.join(this.folder, ...parts)
  }

  async #settle(account, index) {
    const { name } = account
    const home = this.path(name)
    fs.mkdirSync(home)
    const place = { port: await freePort(), data: path.join(home, 'relay') }
    const startOwnRelay = () => {
      const log = this.path(`relay-${name}.log`)
      const command = this.relayProgram
      return startRelay({ name: `relay ${name}`, command, ...place, plc: this.network.plc, log })
    }
    const relay = await startOwnRelay()
    const keyring = index === 0
    const env = {
      ...this.screen.env,
      ...(await startPersonalSession({ folder: home, keyring })),
      ...appEnvironment({ network: this.network, relay, data: path.join(home, 'sotto') }),
      SOTTO_WINDOW_TITLE: `Sotto · ${account.displayName}`,
      BROWSER,
      TEST_HANDLE: account.handle,
      TEST_PASSWORD: account.password,
      TEST_BROWSER_LOG: this.path(`browser-${name}.log`),
    }
    const log = this.path(`window-${name}.log`)
    const person = new Person({ account, env, log, place: index * 1440 })
    Object.assign(person, { keyring, relay })
    person.stopRelay = () => person.relay.stop()
    person.startRelay = async () => (person.relay = await startOwnRelay())
    this.people.push(person)
  }

  // The same person at another computer, on which there is nothing of before and no keyring.
  async newComputer(person, name) {
    const { account, relay, place } = person
    const home = this.path(name)
    fs.mkdirSync(home)
    const env = {
      ...person.env,
      ...(await startPersonalSession({ folder: home, keyring: false })),
      SOTTO_DATA_DIR: path.join(home, 'sotto'),
    }
    const next = new Person({ account, env, log: this.path(`window-${name}.log`), place })
    Object.assign(next, { keyring: false, relay })
    this.people[this.people.indexOf(person)] = next
    return next
  }

  // What both had on the screen when something went wrong.
  pictureFailure() {
    for (const { account, driver } of this.people) {
      try {
        driver?.screenshot(this.path(`failure-${account.name}.png`))
      } catch {
        // the window is gone
      }
    }
  }

  async stop({ keepLogs = false } = {}) {
    await stopPrograms()
    if (!keepLogs) fs.rmSync(this.folder, { recursive: true, force: true })
  }
}

// Pictures of a window in both sizes: artifacts/desktop/NAME-SIZE.png.
export async function pictures(driver, name) {
  for (const [width, height] of [
    [1400, 900],
    [900, 600],
  ]) {
    await driver.resize(width, height)
    await sleep(SETTLED)
    driver.screenshot(inRoot('artifacts/desktop', `${name}-${width}x${height}.png`))
  }
}
