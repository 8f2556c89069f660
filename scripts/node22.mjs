// The PDS needs Node 22, which the machine need not have: then one is fetched from npm into
// .cache/node22. Run by itself this prints the path of the Node to use; .cache/node22-path holds
// the same path for whoever cannot run JavaScript first.

import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { inCache } from './paths.mjs'
import { Stop, report, step } from './progress.mjs'
import { run } from './run.mjs'

const VERSION = '22.23.3'
const pathFile = inCache('node22-path')
const ownIsNew = () => Number(process.versions.node.split('.')[0]) >= 22

// The npm package has `bin/node` and the headers native modules are compiled with.
export const fetchedNode = () =>
  inCache('node22/node_modules', `node-${process.platform}-${process.arch}`)

// Where it must be by now; `setup` puts it there.
export function networkNode() {
  const fromEnvironment = process.env.SOTTO_NODE22
  if (fromEnvironment) return fromEnvironment
  if (ownIsNew()) return process.execPath
  const node = path.join(fetchedNode(), 'bin/node')
  if (!fs.existsSync(node)) throw new Stop('Node 22 is missing: node scripts/setup.mjs --network')
  return node
}

export async function ensureNode22() {
  if (!process.env.SOTTO_NODE22 && !ownIsNew() && !isFetched()) {
    await step('Fetching Node 22 for the test network', fetchNode)
  }
  const node = networkNode()
  fs.mkdirSync(path.dirname(pathFile), { recursive: true })
  fs.writeFileSync(pathFile, node)
  return node
}

function isFetched() {
  const manifest = path.join(fetchedNode(), 'package.json')
  return fs.existsSync(manifest) && JSON.parse(fs.readFileSync(manifest)).version === VERSION
}

function fetchNode() {
  const folder = inCache('node22')
  fs.mkdirSync(folder, { recursive: true })
  const name = `node-${process.platform}-${process.arch}`
  const quiet = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error']
  const stdio = ['inherit', 2, 2] // standard output is for the path alone
  return run('npm', ['install', '--prefix', folder, ...quiet, `${name}@${VERSION}`], { stdio })
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  ensureNode22().then((node) => console.log(node), report)
}
