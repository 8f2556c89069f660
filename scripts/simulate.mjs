// `npm run simulate`: clients, relays and accounts' hosts in one process under seeds
// (docs/simulation.md). The arguments are the program's.

import { inRoot } from './paths.mjs'
import { report, step } from './progress.mjs'
import { exitCodeOf, run } from './run.mjs'
import { setup } from './setup.mjs'

const BUILD = ['build', '--locked', '--release', '-p', 'sotto-simulation']

try {
  await setup({ tests: true })
  await step('Building the simulation (the first time takes minutes)', () => run('cargo', BUILD))
  const program = inRoot('target/release/sotto-simulate')
  // Its own last line says what it found.
  process.exitCode = await exitCodeOf(program, process.argv.slice(2))
} catch (error) {
  report(error)
}
