// Sotto as a person uses it, whatever shows it: a browser or a desktop window. A driver offers
// `click(css)`, `fill(css, text)`, `press(css, key)` and `read(function, ...arguments)`, which runs
// the function in the page.

import { until } from './until.mjs'

export const hook = (name, more = '') => `[data-testid="${name}"]${more}`

export class Sotto {
  constructor(driver) {
    this.driver = driver
  }

  click(name, more) {
    return this.driver.click(hook(name, more))
  }

  fill(name, text) {
    return this.driver.fill(hook(name), text)
  }

  has(name, more) {
    return this.driver.read((css) => document.querySelector(css) !== null, hook(name, more))
  }

  appears(name, { more, timeout } = {}) {
    return until(`${name}${more ?? ''} on the page`, () => this.has(name, more), { timeout })
  }

  async disappears(name, { timeout } = {}) {
    await until(`no ${name} on the page`, async () => !(await this.has(name)), { timeout })
  }

  // The first screen: a passphrase where there is no keyring.
  async choosePassphrase(passphrase) {
    await this.appears('unlock-passphrase')
    await this.fill('unlock-passphrase', passphrase)
    await this.click('unlock-submit')
  }

  async askToSignIn(handle) {
    await this.appears('sign-in-handle')
    await this.fill('sign-in-handle', handle)
    await this.click('sign-in-submit')
  }

  async setUp() {
    await this.appears('set-up-submit', { timeout: 60_000 })
    await this.click('set-up-submit')
    await this.writeWordsDown()
    await this.appears('new-conversation', { timeout: 30_000 })
  }

  // The words of a key that was just made; they are shown once.
  async writeWordsDown() {
    await this.appears('recovery-words', { timeout: 30_000 })
    const read = (css) => [...document.querySelectorAll(css)].map((item) => item.textContent)
    const words = await this.driver.read(read, hook('recovery-words', ' li'))
    await this.click('words-written')
    await this.click('words-done')
    await this.disappears('recovery-words')
    return words
  }

  // Everything about the own key.
  async openKey() {
    await this.click('account-menu')
    await this.appears('encryption-key')
    await this.click('encryption-key')
    await this.appears('anchoring')
  }

  // Where the account receives.
  async openRelay() {
    await this.click('account-menu')
    await this.appears('relay')
    await this.click('relay')
    await this.appears('relay-present')
  }

  async reads(name, text, { timeout } = {}) {
    const read = (css) => document.querySelector(css)?.textContent.trim()
    await until(
      `${name}: ${text}`,
      async () => (await this.driver.read(read, hook(name))) === text,
      { timeout },
    )
  }

  // Gives the new words.
  async rotateKey() {
    await this.openKey()
    await this.click('rotate')
    await this.click('rotate-confirm')
    return this.writeWordsDown()
  }

  // Opens the safety number with the person in view, and gives its digits.
  async compareSafetyNumber() {
    await this.click('peer-level')
    await this.click('safety-open')
    await this.appears('safety-digits')
    const digits = await this.driver.read(
      (css) => document.querySelector(css).textContent,
      hook('safety-digits'),
    )
    return digits.replaceAll(/\s/g, '')
  }

  // How sure Sotto is of the key of the person in view.
  async level(level, { timeout } = {}) {
    await this.appears('peer-level', { more: ` [data-level="${level}"]`, timeout })
  }

  // What the steps under a message in view came to, by step.
  async provenance(text) {
    await this.click('message', `[aria-label*="${text}"] ${hook('message-details')}`)
    await this.appears('provenance-step')
    return this.driver.read(
      (css) =>
        Object.fromEntries(
          [...document.querySelectorAll(css)].map(({ dataset }) => [dataset.step, dataset.outcome]),
        ),
      hook('provenance-step'),
    )
  }

  async closeDialog() {
    await this.driver.click('[data-dialog-close]')
    await until('no dialog on the page', () =>
      this.driver.read(() => document.querySelector('[role="dialog"]') === null),
    )
  }

  // Waits for the error with this code: another one may still be on the page.
  async fails(code, { timeout } = {}) {
    const read = (css) => document.querySelector(css)?.dataset.code
    let shown
    const ask = async () => (shown = await this.driver.read(read, hook('error'))) === code
    await until(`error ${code}`, ask, { timeout }).catch((error) => {
      throw new Error(`${error.message}; shown: ${shown}`)
    })
  }

  async startConversation(handle) {
    await this.click('new-conversation')
    await this.appears('new-conversation-handle')
    await this.fill('new-conversation-handle', handle)
    await this.click('new-conversation-submit')
  }

  async openConversation(handle) {
    await this.appears('conversation-item', { more: `[data-handle="${handle}"]` })
    await this.click('conversation-item', `[data-handle="${handle}"]`)
    await this.appears('composer-input')
  }

  async write(text) {
    await this.fill('composer-input', text)
    await this.click('composer-send')
    await until('an empty composer', () =>
      this.driver.read((css) => document.querySelector(css)?.value === '', hook('composer-input')),
    )
  }

  // The messages in view, oldest first.
  messages() {
    return this.driver.read(
      (css) =>
        [...document.querySelectorAll(css)].map((item) => ({
          text: item.querySelector('.text').textContent,
          state: item.dataset.state,
          mine: item.dataset.mine === 'true',
        })),
      hook('message'),
    )
  }

  // Waits until a message has one of these states.
  message(text, states, { timeout = 30_000 } = {}) {
    const ask = async () => {
      const found = (await this.messages()).filter((message) => message.text === text)
      if (found.length > 1) throw new Error(`${found.length} times: ${text}`)
      return states.includes(found[0]?.state) && found[0]
    }
    return until(`"${text}" ${states.join(' or ')}`, ask, { timeout })
  }

  received(text, options) {
    return this.message(text, ['received'], options)
  }

  delivered(text, options) {
    // What was read has been delivered.
    return this.message(text, ['delivered', 'read'], options)
  }

  async online({ timeout = 30_000 } = {}) {
    await this.appears('composer-input', { timeout })
    await this.disappears('connection-bar', { timeout })
  }
}
