// Looks for everything the other scripts need and gets what is missing. Doing it again is cheap.
//
//   node scripts/setup.mjs [--window] [--tests] [--network]
//
// Without options: what is needed to build and to run Sotto in a browser. --window adds the desktop
// window's packages, --network the test network, --tests all of it and the packages of the tests.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { ensureNode22, fetchedNode } from './node22.mjs'
import { ensurePackages } from './packages.mjs'
import { inCache, inRoot } from './paths.mjs'
import { Stop, report, step } from './progress.mjs'
import { output, run } from './run.mjs'

export async function setup({ window = false, tests = false, network = false } = {}) {
  checkNode()
  checkRust()
  const more = { window: window || tests, network: network || tests, tests }
  await ensurePackages(['core', ...Object.keys(more).filter((purpose) => more[purpose])])
  await installJavaScript({ name: 'JavaScript packages', folder: inRoot() })
  if (more.network) await setUpNetwork()
}

export async function setUpNetwork() {
  const node = await ensureNode22()
  const name = 'packages of the test network (compiles SQLite, up to two minutes)'
  await installJavaScript({ name, folder: inRoot('tests/network'), node })
}

function checkNode() {
  const [major] = process.versions.node.split('.').map(Number)
  if (major < 20) throw new Stop(`Node 20 or newer is needed; this is ${process.versions.node}.`)
}

function checkRust() {
  // rustup puts cargo there; a shell opened before that does not know yet.
  const usual = path.join(os.homedir(), '.cargo/bin')
  if (output('rustc', ['--version']) === undefined && fs.existsSync(path.join(usual, 'rustc'))) {
    process.env.PATH = `${usual}:${process.env.PATH}`
  }
  const version = output('rustc', ['--version'])
  if (version === undefined || output('cargo', ['--version']) === undefined) {
    throw new Stop('Rust is missing. Install it as https://rustup.rs says, then start again.')
  }
  const [, wanted] = /^rust-version = "(.+)"$/m.exec(fs.readFileSync(inRoot('Cargo.toml'), 'utf8'))
  const [, found] = /^rustc (\d+\.\d+)/.exec(version)
  if (Number(found.split('.')[1]) < Number(wanted.split('.')[1])) {
    throw new Stop(`Rust ${wanted} is needed; this is ${found}. Update it with: rustup update`)
  }
}

// `npm ci`, unless it has been done for this very lock file with this very Node.
async function installJavaScript({ name, folder, node = process.execPath }) {
  const lock = path.join(folder, 'package-lock.json')
  if (!fs.existsSync(lock)) throw new Stop(`${path.relative(inRoot(), lock)} is missing.`)
  const mark = createHash('sha256').update(fs.readFileSync(lock)).update(node).digest('hex')
  const stamp = inCache('stamps', path.relative(inRoot(), folder).replaceAll('/', '-') || 'root')
  const isDone = () =>
    fs.existsSync(path.join(folder, 'node_modules')) &&
    fs.existsSync(stamp) &&
    fs.readFileSync(stamp, 'utf8') === mark
  if (isDone()) return
  await step(`Installing ${name}`, () => npmCi(folder, node))
  fs.mkdirSync(path.dirname(stamp), { recursive: true })
  fs.writeFileSync(stamp, mark)
}

function npmCi(folder, node) {
  const env = { PATH: `${path.dirname(node)}:${process.env.PATH}` }
  // Native modules must be compiled against the headers of the Node that will load them; npm may
  // be configured with those of another.
  if (node.startsWith(fetchedNode())) env.npm_config_nodedir = fetchedNode()
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  return run(node, [npmProgram(), 'ci', ...quiet], { cwd: folder, env })
}

// npm is a JavaScript program: to run it under another Node its file is needed.
function npmProgram() {
  const fromNpm = process.env.npm_execpath
  if (fromNpm?.endsWith('npm-cli.js')) return fromNpm
  const npm = output('sh', ['-c', 'command -v npm'])
  if (!npm) throw new Stop('npm is missing. It comes with Node.')
  return fs.realpathSync(npm)
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const options = { window: { type: 'boolean' }, tests: { type: 'boolean' } }
  const { values } = parseArgs({ options: { ...options, network: { type: 'boolean' } } })
  setup(values).then(() => console.log('Everything is in place.'), report)
}
