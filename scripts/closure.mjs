// `npm run closure`: whether answers to puts tell anything of their destinations (docs/closure.md).
//
//   npm run closure                         over SQLite, 100,000 puts
//   npm run closure -- --postgres           over PostgreSQL
//   npm run closure -- --plant time         with a difference put in: has to fail
//
// The arguments are those of the program; it ends with an error where answers differ.

import { binary } from './paths.mjs'
import { report, step } from './progress.mjs'
import { endRunning, exitCodeOf, run } from './run.mjs'
import { setup } from './setup.mjs'

const BUILD = ['build', '--locked', '--release', '-p', 'sotto-load', '-p', 'sotto-relay']

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    endRunning()
    process.exit(130)
  })
}

try {
  await setup({ tests: true })
  await step('Building in release (the first time takes minutes)', () => run('cargo', BUILD))
  const args = ['closure', ...process.argv.slice(2)]
  process.exitCode = await exitCodeOf(binary('sotto-load', 'release'), args)
} catch (error) {
  report(error)
}
