// npm run static: the relay as one program that needs nothing of the system it runs on, and a trial of it in
// an empty root. glibc's static library: it resolves names from /etc/hosts and by DNS without any
// other file, as glibc has both in itself since 2.34.

import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { inRoot } from './paths.mjs'
import { Stop, report, step } from './progress.mjs'
import { output, run } from './run.mjs'
import { ensurePackages } from './packages.mjs'

const TARGET = `${os.arch() === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-gnu`
const FOLDER = inRoot('target', 'static')
const PROGRAM = path.join(FOLDER, TARGET, 'release', 'sotto-relay')

async function build() {
  const env = { RUSTFLAGS: '-C target-feature=+crt-static' }
  const args = ['build', '--locked', '--release', '-p', 'sotto-relay']
  // With a target named, the flags do not count for what runs while it is built.
  await run('cargo', [...args, '--target', TARGET, '--target-dir', FOLDER], { env })
}

function check() {
  const shown = output('ldd', [PROGRAM]) ?? spawnSync('ldd', [PROGRAM], { encoding: 'utf8' }).stderr
  if (!/statically linked|not a dynamic executable/.test(shown ?? ''))
    throw new Stop(`${PROGRAM} is not static:\n${shown}`)
}

// In a root with nothing but the program: a configuration, a start, an answer, a copy, an end.
async function tryIt() {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'sotto-static-'))
  try {
    fs.copyFileSync(PROGRAM, path.join(root, 'sotto-relay'))
    // What whoever starts a container puts there.
    fs.mkdirSync(path.join(root, 'etc'))
    fs.copyFileSync('/etc/resolv.conf', path.join(root, 'etc', 'resolv.conf'))
    // A user of its own kind of namespace may change the root without being root.
    const inside = ['--user', '--map-root-user', '--root', root, '/sotto-relay']
    const said = (...args) => {
      const { status, stdout, stderr } = spawnSync('unshare', [...inside, ...args], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH },
      })
      if (status !== 0) throw new Stop(`sotto-relay ${args.join(' ')} failed:\n${stderr}`)
      return stdout
    }
    said('init', 'relay.example', '--config', '/sotto-relay.toml')
    const settings = {
      PATH: process.env.PATH,
      SOTTO_RELAY_LISTEN: '127.0.0.1:0',
      SOTTO_RELAY_DATA: '/relay.db',
    }
    const relay = spawn('unshare', [...inside, '--config', '/sotto-relay.toml'], {
      env: settings,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const ended = new Promise((resolve) => relay.once('exit', resolve))
    try {
      const { listen } = JSON.parse(await firstLine(relay.stderr))
      const ready = await fetch(`http://${listen}/readyz`)
      if (!ready.ok) throw new Stop(`not ready: ${ready.status}`)
    } finally {
      relay.kill('SIGTERM')
    }
    const code = await ended
    if (code !== 0) throw new Stop(`it ended with ${code}`)
  } finally {
    fs.rmSync(root, { recursive: true, force: true })
  }
}

async function firstLine(stream) {
  let text = ''
  for await (const chunk of stream) {
    text += chunk
    if (text.includes('\n')) break
  }
  return text.split('\n')[0]
}

try {
  await ensurePackages(['core'])
  await step('Building the relay', build)
  await step('Looking at what it needs', check)
  await step('Trying it in an empty root', tryIt)
  const size = (fs.statSync(PROGRAM).size / 1e6).toFixed(1)
  console.log(`${path.relative(process.cwd(), PROGRAM)}: static, ${size} MB`)
} catch (error) {
  report(error)
}
