// npm test: every test there is, without a screen. Goes on after a failure, so that all of them are
// seen, and ends with a table.

import { WHOLE_WORKSPACE } from './build.mjs'
import { ensureNode22 } from './node22.mjs'
import { inRoot } from './paths.mjs'
import { seconds } from './progress.mjs'
import { endRunning, run } from './run.mjs'
import { setup } from './setup.mjs'

const LIMIT = 45 * 60_000 // for one step: a hanging test must not hang everything

const npm = (...args) => run('npm', args, { limit: LIMIT })
const cargo = (...args) => run('cargo', args, { limit: LIMIT })

// Windows without a screen, and a session bus (hence a keyring) that is nobody else's.
const withoutScreen = (...command) =>
  run('xvfb-run', ['-a', '-s', '-screen 0 1280x900x24', 'dbus-run-session', '--', ...command], {
    limit: LIMIT,
  })

const steps = {
  setup: () => setup({ tests: true }),
  checks: () => npm('run', 'check'),
  // Before Rust: the desktop program embeds it.
  'build: user interface': () => npm('run', 'build', '-w', 'ui'),
  'build: programs': () => cargo('build', ...WHOLE_WORKSPACE),
  'user interface, units': () => npm('test', '-w', 'ui'),
  'these scripts': () =>
    run('node', ['--test', '--test-reporter=spec', 'scripts/programs.test.mjs'], { limit: LIMIT }),
  'AT Protocol network': async () => {
    const node = await ensureNode22()
    const args = ['--test', '--test-reporter=spec']
    await run(node, args, { cwd: inRoot('tests/network'), limit: LIMIT })
  },
  // tests/flows is a member of the workspace: its tests start networks and relays themselves.
  'Rust, with flows': async () => {
    process.env.SOTTO_NODE22 = await ensureNode22()
    process.env.SOTTO_PROGRAMS_ARE_BUILT = '1' // by the step before, from the same sources
    await cargo('test', ...WHOLE_WORKSPACE, '--no-fail-fast')
  },
  // As many seeds as there is time for, from the first on: one that fails is named.
  simulation: () =>
    run(inRoot('target/debug/sotto-simulate'), ['--seeds', '1000000', '--seconds', '60'], {
      limit: LIMIT,
    }),
  'user interface in a browser': () => npm('test', '-w', 'tests/ui'),
  'desktop windows': () => withoutScreen('npm', 'test', '-w', 'tests/desktop'),
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    endRunning()
    process.exit(130)
  })
}

const results = []
for (const [name, work] of Object.entries(steps)) {
  console.log(`\n━━ ${name} ${'━'.repeat(Math.max(0, 76 - name.length))}`)
  const started = performance.now()
  let failure
  try {
    await work()
  } catch (error) {
    failure = error
    console.error(error.message)
  }
  results.push({ name, failure, time: performance.now() - started })
}

console.log(`\n━━ summary ${'━'.repeat(69)}`)
for (const { name, failure, time } of results) {
  console.log(`${failure ? '✗' : '✓'} ${name.padEnd(30)} ${seconds(time).padStart(10)}`)
}
const failed = results.filter(({ failure }) => failure)
console.log(failed.length ? `\n${failed.length} of ${results.length} failed` : '\nAll passed')
process.exitCode = failed.length ? 1 : 0
