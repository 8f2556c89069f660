// What a desktop has and a test machine lacks: a screen, a session bus, a keyring.

import fs from 'node:fs'
import path from 'node:path'
import { ready, startProgram } from '../../scripts/programs.mjs'

// A screen wide enough for two windows side by side.
export async function startScreen(folder) {
  const log = path.join(folder, 'screen.log')
  const screen = startProgram({
    name: 'screen',
    command: 'Xvfb',
    args: ['-displayfd', '1', '-screen', '0', '2880x1000x24', '-nolisten', 'tcp'],
    log,
  })
  // It writes the number of the display it got.
  const number = await ready(screen, () => /^(\d+)$/m.exec(fs.readFileSync(log, 'utf8'))?.[1])
  const env = { DISPLAY: `:${number}` }
  startProgram({
    name: 'window manager',
    command: 'openbox',
    env,
    log: path.join(folder, 'window-manager.log'),
  })
  return { ...screen, env }
}

// A session of one person: folders of their own, so that nothing of this machine's user is seen or
// changed. With `keyring` also a session bus and an unlocked keyring on it; without, there is no
// bus, and Sotto has to do with a file and a passphrase.
export async function startPersonalSession({ folder, keyring }) {
  const inFolder = (name) => path.join(folder, name)
  const env = {
    HOME: folder,
    XDG_DATA_HOME: inFolder('data'),
    XDG_CONFIG_HOME: inFolder('config'),
    XDG_CACHE_HOME: inFolder('cache'),
    XDG_RUNTIME_DIR: inFolder('run'),
    DBUS_SESSION_BUS_ADDRESS: 'disabled:',
    // Accessibility needs a bus too, and asks for one loudly.
    NO_AT_BRIDGE: '1',
  }
  for (const [name, place] of Object.entries(env)) {
    if (name.startsWith('XDG_')) fs.mkdirSync(place, { recursive: true, mode: 0o700 })
  }
  if (!keyring) return env
  const address = inFolder('bus-address')
  const script = `printf password | gnome-keyring-daemon --unlock --components=secrets
    printf '%s' "$DBUS_SESSION_BUS_ADDRESS" > '${address}.part' && mv '${address}.part' '${address}'
    exec sleep infinity`
  const { DBUS_SESSION_BUS_ADDRESS: _, ...own } = env
  const session = startProgram({
    name: 'session bus',
    command: 'dbus-run-session',
    args: ['--', 'sh', '-c', script],
    env: own,
    log: inFolder('session-bus.log'),
  })
  await ready(session, () => fs.existsSync(address))
  return { ...env, DBUS_SESSION_BUS_ADDRESS: fs.readFileSync(address, 'utf8') }
}
