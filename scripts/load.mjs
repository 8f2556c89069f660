// `npm run load`: the relay under load beside the engine that it stands on (docs/relay-load.md).
//
//   npm run load                                     everything
//   npm run load -- postgres --processes 3           one part, with the program's options
//   npm run load -- sqlite --json figures.json       and the figures as JSON
//
// The program prints a line of JSON for each figure; `--help` says what can be chosen.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { binary, root } from './paths.mjs'
import { report, step, Stop } from './progress.mjs'
import { endRunning, run } from './run.mjs'
import { setup } from './setup.mjs'

const BUILD = ['build', '--locked', '--release', '-p', 'sotto-load', '-p', 'sotto-relay']

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    endRunning()
    process.exit(130)
  })
}

// As many sockets as the system lets this user have: soft limits are for programs that forget to close.
const UNLIMITED = 'ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"'

function figures(args) {
  return new Promise((resolve, reject) => {
    const program = binary('sotto-load', 'release')
    const stdio = ['inherit', 'pipe', 'inherit']
    const child = spawn('sh', ['-c', UNLIMITED, program, ...args], { cwd: root, stdio })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk) => (text += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code !== 0) return reject(new Stop(`${text}\nthe load ended with ${code}`))
      resolve(text)
    })
  })
}

const short = (value) => String(Number(value.toPrecision(3)))
const aimOf = ({ aim }) => (aim ? `${aim.is}${aim.met ? '' : ' MISSED'}` : '')

function print(lines) {
  const cells = lines.map((it) => [
    `${it.part}: ${it.name}`,
    `${it.unit === '' ? it.value : short(it.value)} ${it.unit}`.trim(),
    it.ratio === null ? '' : it.ratio.toFixed(2),
    aimOf(it),
  ])
  cells.unshift(['', 'value', 'of raw', 'aim'])
  const widths = [0, 1, 2, 3].map((i) => Math.max(...cells.map((row) => row[i].length)))
  for (const row of cells) {
    const padded = row.map((text, i) =>
      i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]),
    )
    console.log(padded.join('  ').trimEnd())
  }
}

// Takes `--json FILE` out of the arguments: the rest is the program's.
function jsonFile(args) {
  const at = args.indexOf('--json')
  if (at < 0) return undefined
  const [, file] = args.splice(at, 2)
  if (!file) throw new Stop('--json needs the name of a file')
  return file
}

try {
  const args = process.argv.slice(2)
  const json = jsonFile(args)
  if (args.includes('--help')) {
    await step('Building', () => run('cargo', BUILD))
    console.log(await figures(args))
  } else {
    await setup({ tests: true })
    await step('Building in release (the first time takes minutes)', () => run('cargo', BUILD))
    const text = await step('Loading a relay', () => figures(args))
    const lines = text.trim().split('\n').map(JSON.parse)
    print(lines)
    if (json) fs.writeFileSync(json, `${JSON.stringify(lines, undefined, 2)}\n`)
    const missed = lines.filter(({ aim }) => aim && !aim.met)
    console.log(`\n${missed.length === 0 ? 'all aims met' : `${missed.length} aims missed`}`)
  }
} catch (error) {
  report(error)
}
