// Alice and Bob, each in a browser, over a real network: from the first screen to messages that
// survive a relay that goes away. Each test goes on where the one before ended.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { mailedCode } from './mail.mjs'
import * as oauthPage from './oauth-page.mjs'
import { hook } from './sotto.mjs'
import { World, pictures } from './world.mjs'

const PASSPHRASE = 'correct horse battery'
let world, alice, bob
let failed = false

before(async () => {
  world = await World.start()
  ;({ alice, bob } = world)
})
after(() => world?.stop({ keepLogs: failed }))

// Without the one before there is nothing to go on from.
function then(name, work) {
  test(name, async (context) => {
    if (failed) return context.skip('an earlier one failed')
    try {
      await work()
    } catch (error) {
      failed = true
      await world.pictureFailure()
      throw error
    }
  })
}

then('without a keyring a passphrase is chosen, and a short one is refused', async () => {
  await alice.appears('unlock-passphrase')
  await pictures(alice.page, 'passphrase')
  await alice.choosePassphrase('short')
  await alice.fails('vault.passphrase_too_short')
  await alice.choosePassphrase(PASSPHRASE)
  await bob.choosePassphrase(PASSPHRASE)
  await bob.appears('sign-in-handle')
  await alice.appears('sign-in-handle')
  await pictures(alice.page, 'sign-in')
})

then('a handle that nobody has', async () => {
  await alice.askToSignIn('nobody.pds0.test')
  await alice.fails('handle.unknown')
  await pictures(alice.page, 'sign-in-unknown-handle')
})

then('consent denied', async () => {
  const page = await alice.browserOpens()
  await pictures(alice.page, 'sign-in-waiting')
  await oauthPage.signIn(page, alice.account)
  await oauthPage.deny(page)
  await page.close()
  await alice.fails('oauth.denied')
})

then('a sign-in given up, and made good', async () => {
  const page = await alice.browserOpens()
  await alice.click('sign-in-cancel')
  await alice.appears('sign-in-handle')
  await page.close()
  await alice.signIn()
  await alice.appears('set-up-submit', { timeout: 30_000 })
})

then('both set up with the relay that is suggested', async () => {
  await bob.signIn()
  await bob.appears('set-up-relay', { timeout: 30_000 })
  await pictures(bob.page, 'set-up')
  await bob.fill('set-up-relay', 'localhost:1')
  await bob.click('set-up-submit')
  await bob.fails('relay.unreachable')
  await bob.fill('set-up-relay', `localhost:${bob.relay.port}`)
  await bob.setUp()
  await alice.setUp()
  await pictures(bob.page, 'empty')
})

then('a conversation is started from the suggestions, once', async () => {
  await alice.click('new-conversation')
  await alice.appears('new-conversation-handle')
  await alice.fill('new-conversation-handle', 'nobody.pds1.test')
  await alice.click('new-conversation-submit')
  await alice.fails('handle.unknown')
  await pictures(alice.page, 'new-conversation-unknown')
  await alice.fill('new-conversation-handle', alice.account.handle)
  await alice.click('new-conversation-submit')
  await alice.fails('account.self')
  await alice.fill('new-conversation-handle', 'bo')
  await alice.appears('suggestion')
  await pictures(alice.page, 'new-conversation')
  await alice.click('suggestion')
  await alice.appears('composer-input', { timeout: 30_000 })
  await alice.startConversation(bob.account.handle)
  await alice.disappears('new-conversation-handle')
  const items = (css) => document.querySelectorAll(css).length
  assert.equal(await alice.driver.read(items, hook('conversation-item')), 1)
})

then('messages go both ways and are marked as delivered', async () => {
  await alice.write('Hello Bob, can you hear me?')
  await bob.openConversation(alice.account.handle)
  await bob.received('Hello Bob, can you hear me?')
  await alice.delivered('Hello Bob, can you hear me?')
  await bob.write('Softly, but clearly.\nTwo lines 🤫')
  await alice.received('Softly, but clearly.\nTwo lines 🤫')
  await bob.delivered('Softly, but clearly.\nTwo lines 🤫')
  await pictures(alice.page, 'conversation')
})

then('Alice anchors her key, past the warning of her server', async () => {
  const opened = alice.page.context().waitForEvent('page', { timeout: 30_000 })
  await alice.appears('anchoring-hint-open')
  await alice.click('anchoring-hint-open')
  await alice.appears('anchor-start')
  await alice.click('anchor-start')
  await pictures(alice.page, 'anchoring')
  await alice.click('anchor-continue')
  const page = await opened
  await oauthPage.signIn(page, alice.account)
  await oauthPage.consent(page)
  await page.close()
  await alice.appears('anchor-code', { timeout: 30_000 })
  await alice.fill('anchor-code', 'AAAAA-AAAAA')
  await alice.click('anchor-finish')
  await alice.fails('anchor.code_wrong')
  await alice.fill('anchor-code', await mailedCode(world.network, alice.account))
  await alice.click('anchor-finish')
  await alice.appears('anchoring', { more: '[data-standing="anchored"]' })
  await pictures(alice.page, 'anchored')
  await alice.driver.press('body', 'Escape')
  await alice.disappears('anchoring')
  await alice.disappears('anchoring-hint')
})

then('many at once from both sides arrive once and in order', async () => {
  const lines = (name) => Array.from({ length: 25 }, (_, i) => `${name} ${i + 1}`)
  const writeAll = async (person, texts) => {
    for (const text of texts) await person.write(text)
  }
  await Promise.all([writeAll(alice, lines('Alice')), writeAll(bob, lines('Bob'))])
  for (const [person, from] of [
    [bob, 'Alice'],
    [alice, 'Bob'],
  ]) {
    await person.received(`${from} 25`)
    const texts = (await person.messages()).filter(({ mine }) => !mine).map(({ text }) => text)
    const seen = texts.filter((text) => text.startsWith(from))
    assert.deepEqual(seen, lines(from).slice(-seen.length))
    assert.ok(seen.length > 3)
  }
  await pictures(bob.page, 'conversation-long')
})

then('what is shown survives a reload', async () => {
  await bob.page.reload()
  await bob.openConversation(alice.account.handle)
  await bob.received('Alice 25')
})

then("while Bob's relay is away, messages wait without loss", async () => {
  await bob.stopRelay()
  await bob.appears('connection-bar', { timeout: 60_000 })
  await pictures(bob.page, 'offline')
  await alice.write('Are you there?')
  await alice.message('Are you there?', ['sending'])
  await bob.write('I am offline')
  await pictures(alice.page, 'waiting')
  await bob.startRelay()
  await bob.disappears('connection-bar', { timeout: 60_000 })
  await bob.received('Are you there?', { timeout: 90_000 })
  await alice.received('I am offline', { timeout: 90_000 })
  await alice.delivered('Are you there?', { timeout: 60_000 })
  await bob.delivered('I am offline', { timeout: 60_000 })
})

then("while Bob's own server is away, messages still go", async () => {
  await world.control('/pds/1/pause')
  await alice.write('Only your PDS is away')
  await bob.received('Only your PDS is away')
  await alice.delivered('Only your PDS is away')
  await world.control('/pds/1/resume')
})

then('Bob moves to another relay, and nobody misses the one that he left', async () => {
  const another = await world.anotherRelay()
  await bob.openRelay()
  await bob.fill('relay-domain', bob.relay.url)
  await bob.driver.press(hook('relay-domain'), 'Enter')
  await bob.fails('relay.same')
  await bob.fill('relay-domain', another.url)
  await bob.driver.press(hook('relay-domain'), 'Enter')
  await bob.appears('relay-offer')
  await pictures(bob.page, 'relay-offer')
  await bob.click('relay-move')
  await bob.appears('former-relay', { timeout: 30_000 })
  await bob.reads('relay-present', new URL(another.url).host)
  await bob.reads('relay-state', 'Connected')
  await pictures(bob.page, 'relay-moved')
  await bob.closeDialog()
  await bob.stopRelay()
  await alice.write('Where are you now?')
  await bob.received('Where are you now?', { timeout: 60_000 })
  await bob.write('Somewhere else')
  await alice.received('Somewhere else')
  await alice.delivered('Where are you now?', { timeout: 60_000 })
})

then('a Sotto that ended is noticed, and opens with the passphrase', async () => {
  await bob.shell.stop()
  await bob.appears('connection-bar')
  await bob.startShell()
  await bob.page.reload()
  await bob.appears('unlock-passphrase')
  await bob.choosePassphrase('wrong horse battery')
  await bob.fails('vault.wrong_passphrase')
  await bob.choosePassphrase(PASSPHRASE)
  await bob.openConversation(alice.account.handle)
  await bob.delivered('I am offline')
  await alice.write('Welcome back')
  await bob.received('Welcome back')
})

then('signing out asks first', async () => {
  await bob.click('account-menu')
  await bob.click('sign-out')
  await pictures(bob.page, 'sign-out')
  await bob.click('sign-out-confirm')
  await bob.appears('sign-in-handle')
})

then('a server that does not answer', async () => {
  await world.control('/pds/1/pause')
  await bob.askToSignIn(bob.account.handle)
  await bob.fails('pds.unreachable', { timeout: 60_000 })
  await world.control('/pds/1/resume')
})

then('signing in again finds the history', async () => {
  await bob.signIn()
  await bob.openConversation(alice.account.handle)
  await bob.received('Welcome back')
})

then('no page had anything to complain about', () => {
  assert.deepEqual([...alice.problems, ...bob.problems], [])
})
