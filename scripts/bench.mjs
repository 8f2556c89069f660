// `npm run bench`: every benchmark, a table for each. Absolute figures depend on the machine and on
// what else it does; so each line has a ratio to a baseline measured in the same run.
//
//   npm run bench                    all of them
//   npm run bench -- engine relay    only these
//
// A benchmark is a program that prints lines of tab-separated fields on standard output: name,
// value, unit, ratio to the baseline it names ("1.00" for the baseline itself) and, where there is
// one, the aim: what the value should be at most.

import { spawn } from 'node:child_process'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { buildUi, WHOLE_WORKSPACE } from './build.mjs'
import { ensureNode22 } from './node22.mjs'
import { root } from './paths.mjs'
import { report, step, Stop } from './progress.mjs'
import { stopPrograms } from './programs.mjs'
import { setup } from './setup.mjs'

// Each is a bench target of this name, but for the window.
const BENCHMARKS = {
  engine: 'Sealing and opening',
  size: 'A long history',
  verify: 'Verifying accounts',
  relay: 'Relay',
  messages: 'Messages from app to app',
  window: 'Cold start of the window',
}
const WINDOW = 'tests/desktop/cold-start.mjs'
const WINDOW_TARGETS = ['--bin', 'sotto-desktop', '--example', 'fill']

// One call for everything, so that Cargo compiles what they share once.
async function build(names) {
  const benches = names.filter((name) => name !== 'window')
  const targets = [
    ...benches.flatMap((name) => ['--bench', name]),
    ...['--bin', 'sotto-relay'],
    ...(names.includes('window') ? WINDOW_TARGETS : []),
  ]
  const args = ['build', '--release', '--locked', ...WHOLE_WORKSPACE, ...targets]
  const messages = await linesOf('cargo', [...args, '--message-format', 'json-render-diagnostics'])
  const built = messages
    .map((line) => JSON.parse(line))
    .filter((message) => message.reason === 'compiler-artifact' && message.executable)
  return new Map(built.map(({ target, executable }) => [target.name, executable]))
}

// Programs say on standard error what they are doing; only standard output counts.
function linesOf(command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const stdio = ['ignore', 'pipe', 'inherit']
    const child = spawn(command, args, { cwd: root, stdio, env: { ...process.env, ...env } })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk) => (text += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code !== 0) return reject(new Stop(`${path.basename(command)} ended with ${code}`))
      resolve(text.split('\n').filter((line) => line !== ''))
    })
  })
}

function measure(name, built) {
  if (name === 'window') {
    return linesOf(process.execPath, [WINDOW], {
      SOTTO_BENCH_DESKTOP: built.get('sotto-desktop'),
      SOTTO_BENCH_RELAY: built.get('sotto-relay'),
      SOTTO_BENCH_FILL: built.get('fill'),
    })
  }
  // Relays are those that were just built, beside the benchmark.
  return linesOf(built.get(name), ['--bench'], { SOTTO_PROGRAMS_ARE_BUILT: '1' })
}

const misses = ([, value, , , aim]) => aim !== undefined && Number(value) > Number(aim)

function print(title, rows) {
  const header = ['', 'value', 'unit', 'ratio to baseline', 'aim']
  const cells = rows.map((row) => {
    const [name, value, unit, ratio, aim] = row
    return [name, value, unit, ratio, aim ? `≤ ${aim}${misses(row) ? ' MISSED' : ''}` : '']
  })
  const widths = header.map((_, i) => Math.max(...[header, ...cells].map((row) => row[i].length)))
  const line = (row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd()
  header[0] = title
  console.log(
    ['', line(header), widths.map((w) => '-'.repeat(w)).join('  '), ...cells.map(line)].join('\n'),
  )
}

function chosen() {
  const { positionals } = parseArgs({ allowPositionals: true })
  const unknown = positionals.find((name) => !(name in BENCHMARKS))
  if (unknown) {
    throw new Stop(`${unknown} is none of: ${Object.keys(BENCHMARKS).join(', ')}`)
  }
  return Object.keys(BENCHMARKS).filter((name) => !positionals.length || positionals.includes(name))
}

try {
  const names = chosen()
  await setup({ tests: true })
  process.env.SOTTO_NODE22 = await ensureNode22()
  await buildUi()
  const built = await step('Building in release (the first time takes minutes)', () => build(names))
  const aims = []
  for (const name of names) {
    const title = BENCHMARKS[name]
    const rows = (await step(title, () => measure(name, built))).map((line) => line.split('\t'))
    print(title, rows)
    aims.push(...rows.filter((row) => row.length === 5))
  }
  const missed = aims.filter(misses).map(([name]) => name)
  const verdict = missed.length === 0 ? 'all met' : `missed: ${missed.join('; ')}`
  console.log(`\n${aims.length} figures with an aim, ${verdict}`)
} catch (error) {
  report(error)
} finally {
  await stopPrograms()
}
