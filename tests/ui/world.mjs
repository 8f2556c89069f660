// Alice and Bob, each with a Sotto in a browser, a relay of their own and an account at a PDS of
// their own.

import fs from 'node:fs'
import path from 'node:path'
import {
  appEnvironment,
  freePort,
  startDevshell,
  startNetwork,
  startRelay,
  stopPrograms,
} from '../../scripts/network-lib.mjs'
import { inRoot } from '../../scripts/paths.mjs'
import { launchChromium } from './chromium.mjs'
import * as oauthPage from './oauth-page.mjs'
import { Sotto } from './sotto.mjs'
import { until } from './until.mjs'

const PATIENCE = { timeout: 15_000 }

class PageDriver {
  constructor(page) {
    this.page = page
  }

  click(css) {
    return this.page.locator(css).first().click(PATIENCE)
  }

  fill(css, text) {
    return this.page.locator(css).fill(text, PATIENCE)
  }

  press(css, key) {
    return this.page.locator(css).press(key, PATIENCE)
  }

  read(script, ...args) {
    const call = `(${script})(...${JSON.stringify(args)})`
    return this.page.evaluate(call)
  }
}

export class Person extends Sotto {
  constructor({ account, page }) {
    super(new PageDriver(page))
    this.account = account
    this.page = page
  }

  // Asks to sign in; resolves to the page that opens for it.
  async browserOpens(handle = this.account.handle) {
    const opened = this.page.context().waitForEvent('page', { timeout: 30_000 })
    await this.askToSignIn(handle)
    return opened
  }

  async signIn() {
    const page = await this.browserOpens()
    await oauthPage.signIn(page, this.account)
    await oauthPage.consent(page)
    await page.close()
  }
}

export class World {
  #folder
  people = []

  static async start() {
    const world = new World()
    try {
      await world.#start()
    } catch (error) {
      await world.stop()
      throw error
    }
    return world
  }

  async #start() {
    // A folder of this run, whose logs stay when a test fails.
    this.#folder = inRoot('artifacts/ui', `run-${process.pid}`)
    fs.mkdirSync(this.#folder, { recursive: true })
    this.network = await startNetwork({ log: this.path('network.log') })
    this.chromium = await launchChromium()
    for (const account of this.network.accounts) await this.#settle(account)
    ;[this.alice, this.bob] = this.people
  }

  path(...parts) {
    return path.join(this.#folder, ...parts)
  }

  async #settle(account) {
    const { name } = account
    const place = { port: await freePort(), data: this.path(`relay-${name}`) }
    const relay = await this.#startRelay(name, place)
    const data = this.path(`app-${name}`)
    const env = {
      ...appEnvironment({ network: this.network, relay, data }),
      // No keyring, so that a passphrase has to be chosen.
      SOTTO_KEYRING: 'file',
    }
    const log = this.path(`devshell-${name}.log`)
    const port = await freePort()
    const startShell = () => startDevshell({ name: `devshell ${name}`, port, env, log })
    const shell = await startShell()
    const context = await this.chromium.newContext({ viewport: { width: 1400, height: 900 } })
    const page = await context.newPage()
    const person = new Person({ account, page })
    person.problems = collectProblems(page)
    person.shell = shell
    person.startShell = async () => (person.shell = await startShell())
    person.stopRelay = () => person.relay.stop()
    person.startRelay = async () => (person.relay = await this.#startRelay(name, place))
    person.relay = relay
    await page.goto(shell.url)
    this.people.push(person)
  }

  #startRelay(name, { port, data }) {
    const log = this.path(`relay-${name}.log`)
    return startRelay({ name: `relay ${name}`, port, data, plc: this.network.plc, log })
  }

  // A relay that nobody is at yet.
  async anotherRelay() {
    return this.#startRelay('another', { port: await freePort(), data: this.path('relay-another') })
  }

  // A door of the network's control: '/pds/0/pause'.
  async control(door) {
    const response = await fetch(this.network.control + door, { method: 'POST' })
    if (!response.ok) throw new Error(`${door}: ${response.status}`)
  }

  // What both had on the screen when something went wrong.
  async pictureFailure() {
    for (const { account, page } of this.people) {
      await page.screenshot({ path: this.path(`failure-${account.name}.png`) }).catch(() => {})
    }
  }

  async stop({ keepLogs = false } = {}) {
    await this.chromium?.close()
    await stopPrograms()
    if (!keepLogs) fs.rmSync(this.#folder, { recursive: true, force: true })
  }
}

// What a page complains about: errors in scripts, and everything the policy (CSP) refuses.
function collectProblems(page) {
  const problems = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    const expected = /Failed to load resource|WebSocket connection/.test(message.text())
    if (message.type() === 'error' && !expected) problems.push(message.text())
  })
  return problems
}

// Pictures of a page in both sizes and both colour schemes: artifacts/ui/NAME-SIZE-SCHEME.png.
export async function pictures(page, name) {
  const folder = inRoot('artifacts/ui')
  fs.mkdirSync(folder, { recursive: true })
  const before = page.viewportSize()
  for (const [width, height] of [
    [900, 600],
    [1400, 900],
  ]) {
    await page.setViewportSize({ width, height })
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme })
      // Settled: fonts are there, and transitions are over.
      await page.evaluate(() => document.fonts.ready)
      await until('no running animation', () =>
        page.evaluate(() =>
          document
            .getAnimations()
            .every(
              (animation) =>
                animation.playState !== 'running' ||
                animation.effect.getTiming().iterations === Infinity,
            ),
        ),
      )
      const file = `${name}-${width}x${height}-${colorScheme}.png`
      await page.screenshot({ path: path.join(folder, file) })
    }
  }
  await page.emulateMedia({ colorScheme: null })
  await page.setViewportSize(before)
}
