// How long Alice waits for her conversations after starting Sotto: until the frame in which the
// list is there. The baseline, measured in the same starts, is the moment at which the web view
// begins to load a page: what a window costs whatever is in it.
// Prints name, value, unit and ratio to the baseline, separated by tabs.

import path from 'node:path'
import { inRoot } from '../../scripts/paths.mjs'
import { hook } from '../ui/sotto.mjs'
import { PASSPHRASE, World } from './world.mjs'

const STARTS = 9

const target = process.env.CARGO_TARGET_DIR ?? inRoot('target')
const program = process.argv[2] ?? path.join(target, 'release/sotto-desktop')

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

// In the page, which is still loading by then. Both in milliseconds since 1970.
function listShown(css) {
  return new Promise((done) => {
    const look = () => {
      if (!document.querySelector(css)) return requestAnimationFrame(look)
      done({ loading: performance.timeOrigin, shown: performance.timeOrigin + performance.now() })
    }
    look()
  })
}

async function measure(person) {
  await person.open()
  const started = person.driver.processStartedAt()
  const { loading, shown } = await person.driver.readAsync(listShown, hook('conversation-item'))
  await person.driver.close()
  return { loading: loading - started, shown: shown - started }
}

const world = await World.start('cold-start')
try {
  const { alice, bob } = world
  for (const person of [alice, bob]) {
    person.program = program
    await person.open()
    if (!person.keyring) await person.choosePassphrase(PASSPHRASE)
    await person.askToSignIn(person.account.handle)
    await person.setUp()
  }
  await alice.startConversation(bob.account.handle)
  await alice.appears('composer-input', { timeout: 30_000 })
  await alice.write('Hello')
  await alice.delivered('Hello')
  await bob.driver.close()
  await alice.driver.close()

  await measure(alice) // the first start after the others reads files that are in no cache
  const starts = []
  for (let i = 0; i < STARTS; i++) starts.push(await measure(alice))
  const loading = median(starts.map((start) => start.loading))
  const shown = median(starts.map((start) => start.shown))
  const line = (name, value) =>
    console.log([name, value.toFixed(0), 'ms', (value / loading).toFixed(2)].join('\t'))
  line('cold start: web view begins to load (baseline)', loading)
  line('cold start: conversation list on the screen', shown)
} finally {
  await world.stop()
}
