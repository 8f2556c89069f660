// `npm run check`: everything that finds a mistake without running the product.

import { setup } from './setup.mjs'
import { run } from './run.mjs'
import { report, step } from './progress.mjs'

const CHECKS = [
  ['Formatting of Rust', 'cargo', ['fmt', '--all', '--check']],
  ['Architecture', 'node', ['scripts/architecture.mjs']],
  ['Licences', 'node', ['scripts/licences.mjs']],
  ['Formatting of JavaScript', 'npx', ['prettier', '--check', '.']],
  ['Lints of the UI', 'npm', ['run', '--silent', 'lint', '-w', 'ui']],
  ['Types of the UI', 'npm', ['run', '--silent', 'check:types', '-w', 'ui']],
  [
    'Lints of Rust',
    'cargo',
    ['clippy', '--locked', '--workspace', '--all-targets', '--', '-D', 'warnings'],
  ],
]

try {
  await setup({ window: true, network: true })
  for (const [name, command, args] of CHECKS) await step(name, () => run(command, args))
} catch (error) {
  report(error)
}
