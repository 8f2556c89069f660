// System packages, as Debian and Ubuntu name them: by what they are needed for.

import { createInterface } from 'node:readline/promises'
import { Stop, step } from './progress.mjs'
import { output, run } from './run.mjs'

const PACKAGES = {
  // Everything that is compiled, SQLCipher in particular.
  core: ['build-essential', 'pkg-config', 'libssl-dev'],
  // The desktop window.
  window: [
    'libwebkit2gtk-4.1-dev',
    'libsoup-3.0-dev',
    'libjavascriptcoregtk-4.1-dev',
    'libayatana-appindicator3-dev',
    'librsvg2-dev',
    'libxdo-dev',
    'file',
  ],
  // The test network: where better-sqlite3 offers no built file, it is compiled, and node-gyp is in
  // part Python.
  network: ['python3'],
  // Windows without a screen, a keyring without a desktop, a browser to drive.
  tests: [
    'xvfb',
    'xauth',
    'webkit2gtk-driver',
    'dbus',
    'gnome-keyring',
    'libsecret-tools',
    'xdotool',
    'openbox',
    'imagemagick',
    'fonts-dejavu-core',
    'at-spi2-core',
    'chromium',
    // An authority for certificates, for the relay's tests.
    'pebble',
    // The relay's second engine: its tests start a server of their own.
    'postgresql',
    // Certificates for it.
    'openssl',
  ],
}

// Said with `env`, because sudo drops the environment.
const QUIET = 'DEBIAN_FRONTEND=noninteractive'

// `purposes` are keys of PACKAGES.
export async function ensurePackages(purposes) {
  if (process.platform !== 'linux') return // the other systems bring their own web view
  const wanted = purposes.flatMap((purpose) => PACKAGES[purpose])
  if (output('dpkg-query', ['--version']) === undefined) return checkWithoutDpkg(purposes, wanted)
  const missing = notInstalled(wanted)
  if (missing.length > 0) await install(missing)
}

function notInstalled(wanted) {
  const format = '${Package} ${db:Status-Status}\n'
  // It fails when one is unknown, and still lists the others.
  const listed = output('sh', ['-c', `dpkg-query -W -f '${format}' ${wanted.join(' ')} || true`])
  const installed = new Set(
    (listed ?? '').split('\n').filter((line) => line.endsWith(' installed')),
  )
  return wanted.filter((name) => !installed.has(`${name} installed`))
}

async function install(missing) {
  const command = ['apt-get', 'install', '-y', '--no-install-recommends', ...missing]
  const byHand =
    `These system packages are missing:\n  ${missing.join(' ')}\n` +
    `Install them with:\n  sudo apt-get update && sudo ${command.join(' ')}`
  if (process.getuid() === 0) {
    return step(`Installing ${missing.length} system packages`, () => apt(['env', QUIET], missing))
  }
  if (!process.stdin.isTTY || output('sudo', ['--version']) === undefined) throw new Stop(byHand)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // While it asks, the terminal hands Ctrl-C to it instead of to us.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const question = `Missing: ${missing.join(' ')}\nMay I run sudo ${command.join(' ')}? [y/N] `
  const reply = await terminal.question(question)
  terminal.close()
  if (!/^y(es)?$/i.test(reply.trim())) throw new Stop(byHand)
  await step(`Installing ${missing.length} system packages`, () =>
    apt(['sudo', 'env', QUIET], missing),
  )
}

async function apt(prefix, names) {
  // Another installation may be under way: wait for it.
  const wait = ['-o', 'DPkg::Lock::Timeout=300']
  const commands = [
    ['apt-get', 'update', '-q'],
    ['apt-get', ...wait, 'install', '-y', '-q', '--no-install-recommends', ...names],
  ]
  for (const command of commands) {
    const [first, ...rest] = [...prefix, ...command]
    await run(first, rest, { ownGroup: false })
  }
}

// On other distributions the names differ, so only what decides is looked for.
function checkWithoutDpkg(purposes, wanted) {
  const libraries = { core: ['openssl'], window: ['webkit2gtk-4.1'] }
  const commands = {
    core: ['cc', 'pkg-config'],
    network: ['python3'],
    tests: ['Xvfb', 'WebKitWebDriver'],
  }
  const isNoCommand = (name) => output('sh', ['-c', `command -v ${name}`]) === undefined
  const isNoLibrary = (name) => output('pkg-config', ['--exists', name]) === undefined
  const missing = purposes.flatMap((purpose) => [
    ...(commands[purpose] ?? []).filter(isNoCommand),
    ...(libraries[purpose] ?? []).filter(isNoLibrary),
  ])
  if (missing.length === 0) return
  throw new Stop(
    `Missing: ${missing.join(' ')}. On Debian these come with the packages\n` +
      `  ${wanted.join(' ')}\nPlease install what your distribution calls them.`,
  )
}
