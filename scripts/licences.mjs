// Every dependency, Rust and npm, must carry a licence that deny.toml allows.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { inRoot, root } from './paths.mjs'
import { report, Stop } from './progress.mjs'

const allowed = () => {
  const [, list] = /^allow = \[([^\]]*)\]/ms.exec(readFileSync(inRoot('deny.toml'), 'utf8')) ?? []
  if (!list) throw new Stop('deny.toml has no list of allowed licences')
  return [...list.matchAll(/"([^"]+)"/g)].map(([, licence]) => licence)
}

function rustPackages() {
  const args = ['metadata', '--locked', '--format-version', '1']
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 1e9 }
  const { stdout, stderr, status } = spawnSync('cargo', args, options)
  if (status !== 0) throw new Stop(`cargo metadata failed:\n${stderr}`)
  return JSON.parse(stdout)
    .packages.filter(({ source }) => source !== null)
    .map(({ name, version, license }) => ({ name: `${name} ${version} (crate)`, licence: license }))
}

// Installed packages only: an optional one for another platform has no manifest here.
function npmPackages(folder) {
  const lock = JSON.parse(readFileSync(inRoot(folder, 'package-lock.json'), 'utf8'))
  return Object.keys(lock.packages)
    .filter((place) => place.startsWith('node_modules/') || place.includes('/node_modules/'))
    .map((place) => inRoot(folder, place))
    .filter((place) => existsSync(path.join(place, 'package.json')))
    .map((place) => ({ place, ...manifestIn(place) }))
    .filter((manifest) => manifest.name && !manifest.private)
    .map((manifest) => ({
      name: `${manifest.name} ${manifest.version} (npm)`,
      licence: licenceOf(manifest),
    }))
}

const manifestIn = (place) => JSON.parse(readFileSync(path.join(place, 'package.json'), 'utf8'))

// Some manifests name none: then the licence file counts, and the program of one platform has the
// licence of the package that it belongs to.
function licenceOf({ place, license, licenses }) {
  const named = license?.type ?? license ?? licenses?.map(({ type }) => type).join(' OR ')
  if (named) return named
  const file = path.join(place, 'LICENSE')
  if (existsSync(file) && /^(The )?MIT License/.test(readFileSync(file, 'utf8').trim()))
    return 'MIT'
  const [, belongsTo] = /^(.+)-(?:linux|darwin|win32)-[\w-]+$/.exec(place) ?? []
  const parent = belongsTo &&
    existsSync(belongsTo) && { place: belongsTo, ...manifestIn(belongsTo) }
  return parent ? licenceOf(parent) : undefined
}

// An SPDX expression (Annex D) holds when the allowed licences are enough to satisfy it. "MIT/Apache-2.0"
// is how older crates write OR. Anything this cannot read is not acceptable.
function acceptable(licence, list) {
  const tokens = licence.replaceAll('/', ' OR ').match(/[()]|[^\s()]+/g) ?? []
  const take = (token) => tokens[0] === token && Boolean(tokens.shift())
  const either = () => {
    let holds = both()
    while (take('OR')) holds = both() || holds
    return holds
  }
  const both = () => {
    let holds = one()
    while (take('AND')) holds = one() && holds
    return holds
  }
  const one = () => {
    if (take('(')) {
      const holds = either()
      return take(')') && holds
    }
    const id = tokens.shift()
    return list.includes(take('WITH') ? `${id} WITH ${tokens.shift()}` : id)
  }
  return either() && tokens.length === 0
}

try {
  const list = allowed()
  const packages = [...rustPackages(), ...npmPackages('.'), ...npmPackages('tests/network')]
  const refused = packages.filter(({ licence }) => !licence || !acceptable(licence, list))
  if (refused.length > 0) {
    const rows = refused.map(({ name, licence }) => `  ${name}: ${licence ?? 'no licence named'}`)
    throw new Stop(`Not allowed by deny.toml:\n${[...new Set(rows)].join('\n')}`)
  }
  console.log(`licences: ${packages.length} packages, all allowed by deny.toml`)
} catch (error) {
  report(error)
}
