// Alice and Bob write to each other from two windows, over real relays, with accounts at real
// PDSes. Each test goes on where the one before ended.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { before } from 'node:test'
import { inRoot } from '../../scripts/paths.mjs'
import { story } from './story.mjs'
import { PASSPHRASE, World, pictures } from './world.mjs'

const MANY = 200
let world, alice, bob

before(async () => {
  world = await World.start('two-windows')
  ;({ alice, bob } = world)
})
const then = story(() => world)

then('a desktop with a keyring asks for no passphrase', async () => {
  await alice.open()
  await alice.appears('sign-in-handle')
  await pictures(alice.driver, 'sign-in-light')
})

then('a desktop without one has a passphrase chosen', async () => {
  await bob.open()
  await bob.appears('unlock-passphrase')
  await pictures(bob.driver, 'passphrase-light')
  await bob.choosePassphrase(PASSPHRASE)
  await bob.appears('sign-in-handle')
})

then('both sign in through the page of their server, and set up', async () => {
  for (const person of [alice, bob]) {
    await person.askToSignIn(person.account.handle)
    await person.appears('set-up-submit', { timeout: 90_000 })
    await pictures(person.driver, `set-up-${person.account.name}-light`)
    await person.setUp()
  }
})

then('Alice starts a conversation by handle and Bob answers', async () => {
  await alice.startConversation(bob.account.handle)
  await alice.appears('composer-input')
  await alice.write('Hello Bob, can you hear me?')
  await bob.openConversation(alice.account.handle)
  await bob.received('Hello Bob, can you hear me?')
  await alice.delivered('Hello Bob, can you hear me?')
  await bob.write('Softly, but clearly.')
  await alice.received('Softly, but clearly.')
  await bob.delivered('Softly, but clearly.')
  await pictures(alice.driver, 'conversation-alice-light')
  await pictures(bob.driver, 'conversation-bob-light')
  const file = inRoot('artifacts/desktop/both-windows.png')
  execFileSync('import', ['-window', 'root', file], { env: { ...process.env, ...alice.env } })
})

then('a killed window comes back signed in, with its history', async () => {
  await alice.driver.kill()
  await alice.open({ GTK_THEME: 'Adwaita:dark' })
  await alice.unlocked()
  await alice.openConversation(bob.account.handle)
  await alice.delivered('Hello Bob, can you hear me?')
  await alice.received('Softly, but clearly.')
  await pictures(alice.driver, 'conversation-alice-dark')
})

then('what was sent while Bob was away arrives, once and in order', async () => {
  await bob.driver.close()
  const sent = Array.from({ length: MANY }, (_, i) => `Line ${i + 1} of ${MANY}`)
  for (const text of sent) await alice.write(text)
  await alice.message(sent.at(-1), ['sent'], { timeout: 120_000 })
  await bob.open({ GTK_THEME: 'Adwaita:dark' })
  await bob.unlocked()
  await bob.openConversation(alice.account.handle)
  await bob.received(sent.at(-1), { timeout: 120_000 })
  const received = (await bob.history()).filter(({ text }) => text.startsWith('Line '))
  assert.deepEqual(
    received.map(({ text }) => text),
    sent,
  )
  await alice.delivered(sent.at(-1), { timeout: 60_000 })
  const states = new Set((await alice.history()).filter((m) => m.mine).map((m) => m.state))
  assert.ok(
    [...states].every((state) => ['delivered', 'read'].includes(state)),
    [...states].join(),
  )
  await pictures(bob.driver, 'backlog-bob-dark')
})

then("while Bob's relay is down messages wait, and then go", async () => {
  await bob.stopRelay()
  await bob.appears('connection-bar', { timeout: 60_000 })
  await alice.write('Are you still there?')
  await alice.message('Are you still there?', ['sending'])
  await pictures(bob.driver, 'offline-bob-dark')
  await pictures(alice.driver, 'waiting-alice-dark')
  await bob.startRelay()
  await bob.disappears('connection-bar', { timeout: 60_000 })
  await bob.received('Are you still there?', { timeout: 90_000 })
  await alice.delivered('Are you still there?', { timeout: 60_000 })
})

then('the window is closed as any other, and opens again', async () => {
  await alice.driver.close()
  await alice.open()
  await alice.unlocked()
  await alice.openConversation(bob.account.handle)
  await alice.delivered('Are you still there?')
})

then('no disk holds what was said, and no log who said it', async () => {
  await alice.driver.close()
  await bob.driver.close()
  const search = (text, where) => {
    const { stdout } = spawnSync('grep', ['-rlaF', text, ...where], { encoding: 'utf8' })
    return stdout.split('\n').filter(Boolean)
  }
  // Windows, web views, databases, relays: everything of this run is in one folder.
  for (const text of ['Softly, but clearly.', `Line 7 of ${MANY}`]) {
    assert.deepEqual(search(text, [world.folder]), [], text)
  }
  const logs = ['window-alice.log', 'window-bob.log', 'relay-alice.log', 'relay-bob.log']
  for (const { account } of [alice, bob]) {
    for (const text of [account.handle, account.did]) {
      assert.deepEqual(
        search(
          text,
          logs.map((log) => world.path(log)),
        ),
        [],
        text,
      )
    }
  }
})
