// Holds the arrows and bans of ARCHITECTURE.md. Each rule names the section it keeps; a finding is
// printed with its place, and any finding fails the check.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './paths.mjs'
import { report, Stop } from './progress.mjs'

// Between crates: what each may depend on (dev-dependencies included).
const CRATE_ARROWS = {
  'sotto-wire': [],
  'sotto-identity': ['sotto-wire'],
  'sotto-core': ['sotto-identity', 'sotto-wire'],
  'sotto-relay': ['sotto-identity', 'sotto-wire'],
  'sotto-pds-delegation': ['sotto-identity', 'sotto-wire'],
  'sotto-cli': ['sotto-core'],
  'sotto-devshell': ['sotto-core'],
  'sotto-desktop': ['sotto-core'],
  'sotto-fuzz': [
    'sotto-core',
    'sotto-identity',
    'sotto-pds-delegation',
    'sotto-relay',
    'sotto-wire',
  ],
  'sotto-interop': ['sotto-core', 'sotto-identity', 'sotto-wire'],
  'sotto-testkit': ['sotto-core', 'sotto-relay', 'sotto-identity', 'sotto-wire'],
  'sotto-simulation': ['sotto-core', 'sotto-relay', 'sotto-identity', 'sotto-wire'],
  'sotto-load': ['sotto-identity', 'sotto-wire'],
  'sotto-flows': ['sotto-testkit', 'sotto-core', 'sotto-relay', 'sotto-identity', 'sotto-wire'],
}

// What must not be linked, at any depth.
const CRATE_BANS = {
  'sotto-wire': [/^tokio$/, /^reqwest$/, /^rusqlite$/, /^openmls/],
  'sotto-identity': [/^rusqlite$/, /^openmls/],
  'sotto-relay': [/^openmls/, /^sotto-core$/],
  'sotto-pds-delegation': [/^rusqlite$/, /^openmls/, /^sotto-core$/],
}

// Inside core: which modules each may name.
const MODULE_ARROWS = {
  app: [
    'account',
    'attachments',
    'db',
    'delivery',
    'discovery',
    'messages',
    'relay',
    'safety',
    'views',
  ],
  account: ['db', 'discovery', 'messages', 'mls', 'outbox', 'relay', 'views'],
  attachments: ['db'],
  delivery: [
    'attachments',
    'db',
    'discovery',
    'inbox',
    'messages',
    'mls',
    'outbox',
    'relay',
    'views',
  ],
  discovery: ['db', 'relay', 'views'],
  messages: ['attachments', 'db', 'inbox', 'mls', 'outbox'],
  safety: ['db', 'messages', 'views'],
  mls: ['db'],
  outbox: ['db'],
  inbox: ['db'],
  relay: ['db', 'mls'],
  views: ['db', 'messages'],
  db: [],
}

const BANNED_NAMES = /(^|\/)(common|utils?|helpers?|manager|service)(\.|\/|$)/i

// Text that may stand only in certain places.
const PLACES = [
  {
    rule: 'openmls is named in core/src/mls only',
    files: /^(crates|src-tauri|tests).*\.rs$/,
    except: /^crates\/core\/(src\/(mls|db\/migrations\.rs|mls\.rs)|benches\/|tests\/)/,
    text: /\bopenmls(_\w+)?::/,
  },
  {
    rule: '@tauri-apps is imported in ui/src/lib/backend only',
    files: /^ui\/src\/.*\.(ts|js|svelte)$/,
    except: /^ui\/src\/lib\/backend\//,
    text: /@tauri-apps\//,
  },
  {
    rule: 'all SQL of the relay is in its store',
    files: /^crates\/relay\/src\/.*\.rs$/,
    except: /^crates\/relay\/src\/(store|tests)(\/|\.rs)/,
    text: /\b(SELECT .* FROM|INSERT INTO|DELETE FROM|UPDATE \w+ SET)\b/,
  },
  {
    rule: 'core writes SQL in db, mls, outbox, inbox and messages only',
    files: /^crates\/core\/src\/.*\.rs$/,
    except: /^crates\/core\/src\/((db|mls|outbox|inbox|messages)(\/|\.rs)|testing)/,
    text: /\b(SELECT .* FROM|INSERT INTO|DELETE FROM|UPDATE \w+ SET)\b/,
  },
  {
    rule: 'no #[allow]: #[expect] with a reason',
    files: /\.rs$/,
    text: /#!?\[allow\(/,
  },
  {
    rule: 'no peer can write markup into the window',
    files: /^ui\/src\/.*\.svelte$/,
    text: /\{@html/,
  },
  {
    rule: 'no test is skipped or alone',
    files: /\.(rs|mjs|js|ts)$/,
    except: /^scripts\/architecture\.mjs$/,
    text: /#\[ignore|\b(it|test|describe)\.(skip|only|todo)\(/,
  },
  {
    rule: 'package locks name no registry',
    files: /package-lock\.json$/,
    text: /"resolved": "https?:/,
  },
]

export function findings() {
  const files = tracked()
  const metadata = cargoMetadata()
  return [
    ...crateArrows(metadata),
    ...crateBans(metadata),
    ...moduleArrows(files),
    ...files
      .filter((file) => BANNED_NAMES.test(file))
      .map((file) => `${file}: says nothing as a name`),
    ...PLACES.flatMap((rule) => misplaced(rule, files)),
  ]
}

function tracked() {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard']
  const { stdout, status } = spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1e8 })
  if (status !== 0) throw new Stop('git ls-files failed: the architecture check needs a checkout')
  return stdout.split('\n').filter(Boolean)
}

function cargoMetadata() {
  const args = ['metadata', '--locked', '--format-version', '1']
  const { stdout, status, stderr } = spawnSync('cargo', args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1e9,
  })
  if (status !== 0) throw new Stop(`cargo metadata failed:\n${stderr}`)
  return JSON.parse(stdout)
}

function crateArrows({ packages, workspace_members: members }) {
  return packages
    .filter((crate) => members.includes(crate.id))
    .flatMap((crate) => {
      const allowed = CRATE_ARROWS[crate.name]
      if (!allowed) return [`${crate.name}: a crate that ARCHITECTURE.md does not name`]
      return crate.dependencies
        .filter(({ name }) => name.startsWith('sotto-') && !allowed.includes(name))
        .map(({ name }) => `${crate.name} → ${name}: not an arrow of ARCHITECTURE.md`)
    })
}

function crateBans({ packages, resolve }) {
  const name = new Map(packages.map((crate) => [crate.id, crate.name]))
  const linked = new Map(
    resolve.nodes.map((node) => [
      node.id,
      node.deps
        .filter(({ dep_kinds: kinds }) => kinds.some(({ kind }) => kind === null))
        .map(({ pkg }) => pkg),
    ]),
  )
  return Object.entries(CRATE_BANS).flatMap(([crate, bans]) => {
    const seen = new Set()
    const open = packages.filter((p) => p.name === crate).map((p) => p.id)
    while (open.length > 0) {
      const id = open.pop()
      if (seen.has(id)) continue
      seen.add(id)
      open.push(...(linked.get(id) ?? []))
    }
    return [...seen]
      .map((id) => name.get(id))
      .filter((dependency) => dependency !== crate && bans.some((ban) => ban.test(dependency)))
      .map((dependency) => `${crate} links ${dependency}`)
  })
}

function moduleArrows(files) {
  return files
    .filter((file) => /^crates\/core\/src\/.*\.rs$/.test(file))
    .flatMap((file) => {
      const inside = file.slice('crates/core/src/'.length)
      const module = inside.split(/[/.]/)[0]
      if (['lib', 'testing', 'entries'].includes(module)) return []
      const allowed = MODULE_ARROWS[module]
      if (!allowed) return [`${file}: a module of core that ARCHITECTURE.md does not name`]
      return lines(file).flatMap(([number, line]) =>
        [...line.matchAll(/\bcrate::(\{[^}]*\}|\w+)/g)]
          .flatMap(([, named]) => named.match(/\b[a-z_]+(?=::|\b)/g)?.slice(0, 1) ?? [])
          .filter((other) => other in MODULE_ARROWS && other !== module && !allowed.includes(other))
          .map((other) => `${file}:${number}: core's ${module} → ${other} is not an arrow`),
      )
    })
}

function misplaced({ rule, files: where, except, text }, files) {
  return files
    .filter((file) => where.test(file) && !except?.test(file))
    .flatMap((file) =>
      lines(file)
        .filter(([, line]) => text.test(line))
        .map(([number]) => `${file}:${number}: ${rule}`),
    )
}

// Comments do not count: they may name what the code must not.
function lines(file) {
  let text
  try {
    text = readFileSync(path.join(root, file), 'utf8')
  } catch {
    return [] // deleted in the working tree
  }
  return text
    .split('\n')
    .map((line, index) => [index + 1, line])
    .filter(([, line]) => !/^\s*(\/\/|\*)/.test(line))
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const found = findings()
    if (found.length > 0) throw new Stop(`${found.join('\n')}\n\n${found.length} findings`)
    console.log('architecture: arrows and bans hold')
  } catch (error) {
    report(error)
  }
}
