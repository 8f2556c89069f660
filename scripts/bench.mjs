// `npm run bench`: every benchmark, in one table. Absolute figures depend on the machine and on what
// else it does; so each line has a ratio to a baseline measured in the same run.
//
// A benchmark is a program that prints lines of four tab-separated fields on standard output:
// name, value, unit, ratio to the baseline it names ("1.00" for the baseline itself).

import { spawn } from 'node:child_process'
import { setup } from './setup.mjs'
import { root } from './paths.mjs'
import { report, step, Stop } from './progress.mjs'
import { run } from './run.mjs'

const BENCHMARKS = [
  [
    'Sealing and opening',
    'cargo',
    ['bench', '-q', '--locked', '-p', 'sotto-core', '--bench', 'engine'],
  ],
  ['A long history', 'cargo', ['bench', '-q', '--locked', '-p', 'sotto-core', '--bench', 'size']],
  [
    'Verifying accounts',
    'cargo',
    ['bench', '-q', '--locked', '-p', 'sotto-identity', '--bench', 'verify'],
  ],
  ['Relay', 'cargo', ['bench', '-q', '--locked', '-p', 'sotto-flows', '--bench', 'relay']],
  [
    'Messages from app to app',
    'cargo',
    ['bench', '-q', '--locked', '-p', 'sotto-flows', '--bench', 'messages'],
  ],
  ['Cold start of the window', 'node', ['tests/desktop/cold-start.mjs']],
]

// Benchmarks say on standard error what they are doing; only standard output counts.
function linesOf(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk) => (text += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code !== 0) return reject(new Stop(`${command} ${args.join(' ')} ended with ${code}`))
      resolve(
        text
          .split('\n')
          .map((line) => line.split('\t'))
          .filter((row) => row.length === 4),
      )
    })
  })
}

function print(rows) {
  const header = ['benchmark', 'value', 'unit', 'ratio to baseline']
  const widths = header.map((_, i) => Math.max(...[header, ...rows].map((row) => row[i].length)))
  const line = (row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')
  console.log(
    [line(header), widths.map((w) => '-'.repeat(w)).join('  '), ...rows.map(line)].join('\n'),
  )
}

try {
  await setup({ tests: true })
  const release = ['build', '--locked', '--release', '-p', 'sotto-desktop', '-p', 'sotto-cli']
  await step('Building the UI', () => run('npm', ['run', '--silent', 'build', '-w', 'ui']))
  await step('Building in release', () =>
    run('cargo', [...release, '--features', 'sotto-desktop/custom-protocol']),
  )
  await step('Building a relay', () => run('cargo', ['build', '--locked', '-p', 'sotto-relay']))
  const rows = []
  for (const [name, command, args] of BENCHMARKS) {
    rows.push(...(await step(name, () => linesOf(command, args))))
  }
  print(rows)
} catch (error) {
  report(error)
}
