// `npm run chaos -- --kills N [--seed S]`: the example tests/flows/examples/chaos, with what it needs.
// `npm run chaos -- relay [--puts N] [--strikes N] [--case NAME] [--seed S]`: relay_chaos, the same way.

import { WHOLE_WORKSPACE } from './build.mjs'
import { ensureNode22 } from './node22.mjs'
import { binary } from './paths.mjs'
import { report, step } from './progress.mjs'
import { endRunning, exitCodeOf, run } from './run.mjs'
import { setUpNetwork } from './setup.mjs'
import path from 'node:path'

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    endRunning()
    process.exit(130)
  })
}

try {
  await setUpNetwork()
  const [name, args] =
    process.argv[2] === 'relay'
      ? ['relay_chaos', process.argv.slice(3)]
      : ['chaos', process.argv.slice(2)]
  const programs = ['--bin', 'sotto', '--bin', 'sotto-relay', '--example', name]
  await step('Building', () => run('cargo', ['build', '--locked', ...WHOLE_WORKSPACE, ...programs]))
  const env = { SOTTO_NODE22: await ensureNode22(), SOTTO_PROGRAMS_ARE_BUILT: '1' }
  const chaos = path.join(path.dirname(binary(name)), 'examples', name)
  process.exitCode = await exitCodeOf(chaos, args, { env })
} catch (error) {
  report(error)
}
