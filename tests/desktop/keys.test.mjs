// What becomes of keys, in two windows: compared, replaced, recovered, anchored, lost; and what the
// other person sees of it. Each test goes on where the one before ended.

import assert from 'node:assert/strict'
import { before } from 'node:test'
import { mailedCode } from '../ui/mail.mjs'
import { hook } from '../ui/sotto.mjs'
import { story } from './story.mjs'
import { PASSPHRASE, World, pictures } from './world.mjs'

const DARK = { GTK_THEME: 'Adwaita:dark' }
// Servers, relays and two windows share one machine.
const PATIENCE = { timeout: 90_000 }

let world, alice, bob
let words // of Alice's present key

before(async () => {
  world = await World.start('keys')
  ;({ alice, bob } = world)
})
const then = story(() => world)

// Signs in at a computer on which Sotto has never been.
async function firstStart(person, env) {
  await person.open(env)
  if (!person.keyring) await person.choosePassphrase(PASSPHRASE)
  await person.askToSignIn(person.account.handle)
}

// There and back.
async function exchange(text, answer) {
  await alice.write(text)
  await bob.received(text, PATIENCE)
  await bob.write(answer)
  await alice.received(answer, PATIENCE)
  await alice.delivered(text, PATIENCE)
  await bob.delivered(answer, PATIENCE)
}

// Enters the other's handle as if it were new; so the account is looked at now, not within a day.
async function looksAgain(person, at) {
  await person.startConversation(at.account.handle)
  await person.disappears('new-conversation-handle', PATIENCE)
}

async function bobTrustsAlice() {
  await bob.level('confirmed', PATIENCE)
  await bob.appears('conversation-item', { more: ` ${hook('confirmed')}` })
  assert.equal(await bob.has('hold'), false)
}

async function sameNumbers() {
  const seen = [await alice.compareSafetyNumber(), await bob.compareSafetyNumber()]
  assert.match(seen[0], /^\d{60}$/)
  assert.equal(seen[0], seen[1])
  return seen[0]
}

const ownKey = (person) =>
  person.driver.read((css) => document.querySelector(css).textContent, '.dialog .key')

then('both set up, are shown the words of their keys, and write', async () => {
  await Promise.all([firstStart(alice), firstStart(bob, DARK)])
  for (const [person, mode] of [
    [alice, 'light'],
    [bob, 'dark'],
  ]) {
    await person.appears('set-up-submit', PATIENCE)
    await person.click('set-up-submit')
    await person.appears('recovery-words', PATIENCE)
    await pictures(person.driver, `recovery-words-${mode}`)
    person.words = await person.writeWordsDown()
    assert.equal(person.words.length, 24)
    await person.appears('new-conversation', PATIENCE)
  }
  await alice.startConversation(bob.account.handle)
  await alice.appears('composer-input', PATIENCE)
  await alice.write('Shall we compare?')
  await bob.openConversation(alice.account.handle)
  await bob.received('Shall we compare?', PATIENCE)
  await exchange('On the phone, in a minute.', 'I hear you. Read it to me.')
  await bob.level('vended')
})

then('both see the same number, and Bob confirms', async () => {
  await sameNumbers()
  await pictures(alice.driver, 'safety-number-light')
  await bob.click('safety-match')
  await bob.appears('safety-confirmed')
  await pictures(bob.driver, 'safety-confirmed-dark')
  await alice.closeDialog()
  await bob.closeDialog()
  await bobTrustsAlice()
  await alice.level('vended')
})

then('Alice replaces her key twice, and Bob goes on trusting her', async () => {
  words = alice.words
  for (const round of ['first', 'second']) {
    await alice.openKey()
    const before = await ownKey(alice)
    if (round === 'second') await pictures(alice.driver, 'encryption-key-light')
    await alice.closeDialog()
    const old = words
    words = await alice.rotateKey()
    assert.notDeepEqual(words, old)
    await alice.appears('composer-input', PATIENCE)
    await alice.openKey()
    assert.notEqual(await ownKey(alice), before)
    await alice.closeDialog()
    await exchange(`Under a new key, the ${round} time.`, `The ${round} new one, then.`)
    await bobTrustsAlice()
  }
  await looksAgain(bob, alice)
  await bobTrustsAlice()
  await sameNumbers()
  await bob.appears('safety-confirmed')
  await alice.closeDialog()
  await bob.closeDialog()
})

then('where a message came from', async () => {
  assert.deepEqual(await alice.provenance('The second new one, then.'), {
    message: 'checked',
    device: 'checked',
    key: 'checked',
    record: 'noted',
    operation: 'missing',
  })
  await pictures(alice.driver, 'provenance-light')
  await alice.closeDialog()
})

then('with the words another computer speaks for Alice', async () => {
  const { words: firstWords } = alice
  await alice.driver.close()
  alice = await world.newComputer(alice, 'alice-recovered')
  await firstStart(alice)
  await alice.appears('elsewhere-words', PATIENCE)
  await pictures(alice.driver, 'elsewhere-light')
  await alice.click('elsewhere-words')
  await alice.appears('recover-words')
  await alice.fill('recover-words', firstWords.join(' '))
  await alice.click('recover-submit')
  await alice.fails('recovery.older_key', PATIENCE)
  await pictures(alice.driver, 'recover-older-words-light')
  await alice.fill('recover-words', words.join(' '))
  await alice.click('recover-submit')
  await alice.appears('new-conversation', PATIENCE)
  await alice.startConversation(bob.account.handle)
  await alice.appears('composer-input', PATIENCE)
  await exchange('The old computer is gone.', 'I would not have noticed.')
  await bobTrustsAlice()
  await pictures(bob.driver, 'peer-recovered-dark')
})

then('Bob anchors his key with the code from the e-mail, and Alice sees it', async () => {
  await bob.click('anchoring-hint-open')
  await bob.appears('anchor-start')
  await bob.click('anchor-start')
  await pictures(bob.driver, 'anchoring-dark')
  await bob.click('anchor-continue')
  await bob.appears('anchor-code', PATIENCE)
  await bob.fill('anchor-code', await mailedCode(world.network, bob.account))
  await pictures(bob.driver, 'anchoring-code-dark')
  await bob.click('anchor-finish')
  await bob.appears('anchoring', { more: '[data-standing="anchored"]', ...PATIENCE })
  await pictures(bob.driver, 'anchored-dark')
  await bob.closeDialog()
  assert.equal(await bob.has('anchoring-hint'), false)

  await alice.level('vended')
  await looksAgain(alice, bob)
  await alice.level('anchored', PATIENCE)
  await alice.click('peer-level')
  await alice.appears('safety-open')
  await pictures(alice.driver, 'peer-anchored-light')
  await alice.closeDialog()
  const { operation } = await alice.provenance('I would not have noticed.')
  assert.equal(operation, 'noted')
  await pictures(alice.driver, 'provenance-anchored-light')
  await alice.closeDialog()
  await exchange('I see it in the public log.', 'There it stays.')
})

then('with everything lost, Bob is stopped until he accepts the new key', async () => {
  await alice.driver.close()
  alice = await world.newComputer(alice, 'alice-lost')
  await firstStart(alice, DARK)
  await alice.appears('elsewhere-lost', PATIENCE)
  await alice.click('elsewhere-lost')
  await alice.appears('lost-handle')
  await pictures(alice.driver, 'lost-dark')
  await alice.fill('lost-handle', alice.account.handle)
  await alice.click('lost-submit')
  await alice.writeWordsDown()
  await alice.appears('new-conversation', PATIENCE)
  await alice.startConversation(bob.account.handle)
  await alice.appears('composer-input', PATIENCE)
  await alice.write('It is me, with nothing left.')

  const stop = { more: '[data-code="account.key_changed"]', ...PATIENCE }
  await bob.appears('hold', stop)
  await bob.level('changed')
  assert.equal(await bob.has('confirmed'), false)
  assert.equal(await bob.has('composer-input'), false)
  await pictures(bob.driver, 'stopped-dark')
  // It is no matter of this start of the window.
  await bob.driver.close()
  await bob.open()
  await bob.unlocked()
  await bob.click('conversation-item')
  await bob.appears('hold', stop)
  assert.equal(await bob.has('composer-input'), false)
  const read = (await bob.messages()).map(({ text }) => text)
  assert.ok(!read.includes('It is me, with nothing left.'))
  await pictures(bob.driver, 'stopped-light')

  await bob.click('accept-key')
  await bob.disappears('hold', PATIENCE)
  await bob.received('It is me, with nothing left.', PATIENCE)
  assert.equal(await bob.has('confirmed'), false)
  await bob.level('vended')
  await exchange('Do you believe me?', 'Let us compare again.')
  await pictures(bob.driver, 'accepted-light')
})
