// How long Alice waits for her conversations after starting Sotto: until the frame in which the
// list is there; with one message, and with 500,000 in 1,000 conversations. The baseline, measured in
// the same starts, is the moment at which the web view begins to load a page: what a window costs
// whatever is in it.
// Prints name, value, unit, ratio to the baseline and aim, separated by tabs.
//
// SOTTO_BENCH_DESKTOP, SOTTO_BENCH_RELAY and SOTTO_BENCH_FILL are programs (see scripts/bench.mjs).

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { inRoot } from '../../scripts/paths.mjs'
import { step } from '../../scripts/progress.mjs'
import { hook } from '../ui/sotto.mjs'
import { PASSPHRASE, World } from './world.mjs'

const STARTS = 9
const AIM = 1000 // ms to the list

const target = process.env.CARGO_TARGET_DIR ?? inRoot('target')
const program = process.env.SOTTO_BENCH_DESKTOP ?? path.join(target, 'release/sotto-desktop')
const fill = process.env.SOTTO_BENCH_FILL ?? path.join(target, 'release/examples/fill')

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

// MiB that the window's own process takes, the core in it; the web view's are others.
function memoryOf(pid) {
  const [, kib] = /^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
  return Number(kib) / 1024
}

async function measure(person) {
  await person.open()
  const started = person.driver.processStartedAt()
  const { loading, shown } = await person.driver.readAsync(listShown, hook('conversation-item'))
  const memory = memoryOf(person.driver.windowProcess())
  await person.driver.close()
  return { loading: loading - started, shown: shown - started, memory }
}

async function report(person, what) {
  await measure(person) // the first start after the others reads files that are in no cache
  const starts = []
  for (let i = 0; i < STARTS; i++) starts.push(await measure(person))
  const middle = (key) => median(starts.map((start) => start[key]))
  const loading = middle('loading')
  const line = (name, value, ...aim) =>
    console.log(
      [`${what}: ${name}`, value.toFixed(0), 'ms', (loading / value).toFixed(2), ...aim].join('\t'),
    )
  line('web view begins to load (baseline)', loading)
  line('conversation list on the screen', middle('shown'), AIM)
  return middle('memory')
}

const world = await World.start('cold-start', { relay: process.env.SOTTO_BENCH_RELAY })
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

  const before = await report(alice, 'one message')
  const env = { ...process.env, ...alice.env }
  const stdio = ['ignore', 'pipe', 'inherit']
  const filling = () => execFileSync(fill, { env, encoding: 'utf8', stdio })
  const messages = (await step('500,000 messages for Alice', async () => filling())).trim()
  const after = await report(alice, `${messages} messages`)
  const memory = (what, value) =>
    console.log(
      [`the window's process, ${what}`, value.toFixed(1), 'MiB', (before / value).toFixed(2)].join(
        '\t',
      ),
    )
  memory('one message (baseline)', before)
  memory(`${messages} messages`, after)
} finally {
  await world.stop()
}
