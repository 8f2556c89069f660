// The network on this machine, for `npm start` and for the tests: the AT Protocol part, relays,
// Sotto in a browser. Each function starts one thing, waits until it is ready, and gives it with
// a `stop()`. Whoever dies without stopping leaves nothing running (see reaper.mjs).

import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { networkNode } from './node22.mjs'
import { binary, inRoot } from './paths.mjs'
import { answers, ready, startProgram } from './programs.mjs'

export { answers as isReady, stopPrograms } from './programs.mjs'

export function freePort() {
  return listenOnce(0)
}

export async function isFree(port) {
  return (await listenOnce(port).catch(() => undefined)) !== undefined
}

function listenOnce(wanted) {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject)
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

// Removed again by `stop()`.
const scratch = () => fs.mkdtempSync(path.join(os.tmpdir(), 'sotto-'))

// PLC directory, PDSes, control door: the JSON of tests/network/README.md, with `stop()`.
// Without `data` it is a new network every time. `ports` may hold plc, control and pds (a list).
export async function startNetwork({ data, pds = 2, ports = {}, log, accounts = true } = {}) {
  const folder = scratch()
  const readyFile = path.join(folder, 'ready.json')
  const program = startProgram({
    name: 'network',
    command: networkNode(),
    args: [
      inRoot('tests/network/network.mjs'),
      ...['--pds', String(pds), '--ready-file', readyFile, '--die-with-stdin'],
      ...(data ? ['--data', data] : []),
      ...(ports.plc ? ['--plc-port', String(ports.plc)] : []),
      ...(ports.control ? ['--control-port', String(ports.control)] : []),
      ...(ports.pds ? ['--pds-port', ports.pds.join(',')] : []),
      ...(accounts ? [] : ['--no-accounts']),
    ],
    log: log ?? path.join(folder, 'network.log'),
    input: true,
  })
  await ready(program, () => fs.existsSync(readyFile))
  const description = JSON.parse(fs.readFileSync(readyFile, 'utf8'))
  return withProgram(description, program, folder)
}

// `plc` is the PLC directory's URL.
export async function startRelay({ name = 'relay', command, port, data, plc, log, env = {} }) {
  port ??= await freePort()
  const folder = data ? undefined : scratch()
  data ??= folder
  fs.mkdirSync(data, { recursive: true })
  const program = startProgram({
    name,
    command: command ?? binary('sotto-relay'),
    env: {
      SOTTO_RELAY_LISTEN: `127.0.0.1:${port}`,
      SOTTO_RELAY_DOMAIN: `localhost:${port}`,
      SOTTO_RELAY_DATA: path.join(data, 'relay.db'),
      SOTTO_RELAY_PLC_URL: plc,
      SOTTO_RELAY_DEVELOPMENT: 'true',
      ...env,
    },
    log: log ?? path.join(data, 'relay.log'),
  })
  await ready(program, () => answers(`http://127.0.0.1:${port}/readyz`))
  return withProgram({ port, url: `http://localhost:${port}` }, program, folder)
}

// What points a Sotto at such a network instead of the public one.
export function appEnvironment({ network, relay, data }) {
  return {
    SOTTO_DEV: '1',
    SOTTO_DATA_DIR: data,
    SOTTO_DEV_PLC_URL: network.plc,
    SOTTO_DEV_HANDLE_RESOLVER: network.control,
    SOTTO_DEV_APPVIEW: network.control,
    SOTTO_DEFAULT_RELAY: relay.url,
  }
}

// Sotto in a browser: the same core behind HTTP. `env` comes from `appEnvironment`.
export async function startDevshell({ name = 'devshell', port, env, log }) {
  port ??= await freePort()
  const folder = log ? undefined : scratch()
  const program = startProgram({
    name,
    command: binary('sotto-devshell'),
    env: {
      ...env,
      SOTTO_DEVSHELL_LISTEN: `127.0.0.1:${port}`,
      SOTTO_DEVSHELL_UI: inRoot('ui/dist'),
    },
    log: log ?? path.join(folder, 'devshell.log'),
  })
  await ready(program, () => answers(`http://127.0.0.1:${port}/`))
  return withProgram({ port, url: `http://127.0.0.1:${port}/` }, program, folder)
}

function withProgram(description, program, folder) {
  const stop = async () => {
    await program.stop()
    if (folder) fs.rmSync(folder, { recursive: true, force: true })
  }
  return { ...description, program, stop }
}
