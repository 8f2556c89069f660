// `npm run fuzz`: every decoder under libFuzzer, with coverage, assertions and overflow checks, on the
// stable toolchain. Ends with a table.
//
//   npm run fuzz -- --runs 1000000            every target, so many inputs each (20000 without it)
//   npm run fuzz -- --target content          one target; may be given several times
//   npm run fuzz -- --target content --input FILE   one input again, for instance one that crashed
//   npm run fuzz -- --merge                   afterwards, keep in fuzz/corpus what finds something new
//   npm run fuzz -- --seconds 600             at most so long for each target
//   npm run fuzz -- --seeds                   first add to fuzz/corpus what the test vectors hold
//
// What is found is kept between runs in .cache/fuzz/, and what crashes in .cache/fuzz/crashes/.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { binary, inCache, inRoot, root } from './paths.mjs'
import { report, seconds, step, Stop } from './progress.mjs'
import { exitCodeOf, output, run } from './run.mjs'
import { writeSeeds } from './fuzz-seeds.mjs'

const TIMEOUT = 10 // seconds for one input
const MEMORY = 1024 // MiB
const MAX_LENGTH = 16 * 1024
const LARGE = 4 * 1024 // an input above this is not committed

// The crates of this workspace count what is reached in them.
const instrumented = {
  RUSTC_WORKSPACE_WRAPPER: inRoot('scripts', 'fuzz-rustc.mjs'),
}

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '0' },
    target: { type: 'string', multiple: true, default: [] },
    input: { type: 'string' },
    merge: { type: 'boolean', default: false },
    seeds: { type: 'boolean', default: false },
  },
})

async function build() {
  const what = ['-p', 'sotto-fuzz', '--features', 'libfuzzer', '--bin', 'sotto-fuzz']
  await step('Building the fuzz targets (the first time takes minutes)', () =>
    run('cargo', ['build', '--locked', '--profile', 'fuzz', ...what], { env: instrumented }),
  )
  return binary('sotto-fuzz', 'fuzz')
}

function fuzz(program, name) {
  const found = inCache('fuzz', 'corpus', name)
  const crashes = inCache('fuzz', 'crashes') + path.sep
  fs.mkdirSync(found, { recursive: true })
  fs.mkdirSync(crashes, { recursive: true })
  const args = [
    `-runs=${options.runs}`,
    `-max_total_time=${options.seconds}`,
    `-timeout=${TIMEOUT}`,
    `-rss_limit_mb=${MEMORY}`,
    `-max_len=${MAX_LENGTH}`,
    `-artifact_prefix=${crashes}${name}-`,
    '-print_final_stats=1',
    found,
    corpus(name),
  ]
  return libFuzzer(program, name, args)
}

const corpus = (name) => inRoot('fuzz', 'corpus', name)

// Databases of the engine's targets are in memory where there is such a folder.
const scratch = () => (fs.existsSync('/dev/shm') ? { TMPDIR: '/dev/shm' } : {})

function libFuzzer(program, name, args) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...scratch(), SOTTO_FUZZ_TARGET: name, RUST_BACKTRACE: '1' }
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'ignore', 'pipe'] })
    let log = ''
    child.stderr.on('data', (chunk) => (log += chunk))
    child.on('error', () => reject(new Stop(`${program} could not be started`)))
    child.on('close', (code) => resolve({ code, log }))
  })
}

const last = (log, pattern) => [...log.matchAll(pattern)].at(-1)?.[1]

function rowOf(name, { code, log }, time) {
  const before = Number(last(log, /INITED cov: (\d+)/g) ?? 0)
  const after = Number(last(log, /cov: (\d+)/g) ?? before)
  const crash = last(log, /Test unit written to (.+)/g)
  return {
    name,
    inputs: last(log, /stat::number_of_executed_units: (\d+)/g) ?? '?',
    coverage: `${after} (+${after - before})`,
    time: seconds(time),
    result: code === 0 ? 'no panic' : (crash ?? `ended with ${code}`),
    failed: code !== 0,
    log,
  }
}

async function each(program, names) {
  const rows = []
  for (const name of names) {
    const started = performance.now()
    const done = await step(name, () => fuzz(program, name))
    const row = rowOf(name, done, performance.now() - started)
    if (row.failed) console.error(row.log.split('\n').slice(-60).join('\n'))
    rows.push(row)
  }
  return rows
}

function print(rows) {
  const columns = ['target', 'inputs', 'coverage', 'time', 'result']
  const cells = rows.map((row) => [row.name, row.inputs, row.coverage, row.time, row.result])
  const widths = columns.map((_, i) => Math.max(...[columns, ...cells].map((row) => row[i].length)))
  const line = (row) =>
    row.map((cell, i) => (i % 4 ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ')
  console.log([line(columns), ...cells.map(line)].join('\n'))
}

// libFuzzer's own choice of the fewest inputs that reach everything, into the committed corpus.
async function merge(program, name) {
  const fresh = inCache('fuzz', 'merged', name)
  fs.rmSync(fresh, { recursive: true, force: true })
  fs.mkdirSync(fresh, { recursive: true })
  const args = [
    '-merge=1',
    `-max_len=${LARGE}`,
    fresh,
    corpus(name),
    inCache('fuzz', 'corpus', name),
  ]
  const { code, log } = await libFuzzer(program, name, args)
  if (code !== 0) throw new Stop(`Merging ${name} failed:\n${log}`)
  fs.rmSync(corpus(name), { recursive: true, force: true })
  fs.cpSync(fresh, corpus(name), { recursive: true })
}

try {
  const program = await build()
  const all = output(program, []).split('\n')
  const names = options.target.length > 0 ? options.target : all
  const unknown = names.filter((name) => !all.includes(name))
  if (unknown.length > 0) throw new Stop(`No such target: ${unknown}. There are: ${all.join(', ')}`)
  if (options.seeds) writeSeeds(names)
  if (options.input) {
    if (names.length !== 1) throw new Stop('Say with --target which target the input is for')
    const env = { ...scratch(), SOTTO_FUZZ_TARGET: names[0], RUST_BACKTRACE: '1' }
    process.exitCode = await exitCodeOf(program, [path.resolve(options.input)], { env })
  } else {
    const rows = await each(program, names)
    if (options.merge) for (const name of names) await merge(program, name)
    print(rows)
    const failed = rows.filter(({ failed }) => failed)
    if (failed.length > 0) throw new Stop(`${failed.length} of ${rows.length} targets failed`)
    console.log(`no panic in ${rows.length} targets`)
  }
} catch (error) {
  report(error)
}
