// Puts the parts together. What must survive a restart is in `network.json` of the data directory:
// ports (DID documents name their PDS by URL), server secrets, accounts.

import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { Accounts } from './accounts.mjs'
import { startControl } from './control.mjs'
import { pausable } from './pausable.mjs'
import { ADMIN_PASSWORD, startPds } from './pds.mjs'
import { startPlc } from './plc.mjs'

export async function startNetwork(wanted) {
  fs.mkdirSync(wanted.data, { recursive: true })
  const state = loadState(wanted.data)
  const ports = await choosePorts(state.value, wanted)
  const plc = await startPlc({ port: ports.plc, file: path.join(wanted.data, 'plc.jsonl') })
  Object.assign(plc, pausable(plc.server))

  const pdses = []
  const emails = []
  // As from the DNS, where a handle stays when its PDS is away.
  const resolveHandle = async (handle) =>
    (await firstDid(pdses, handle)) ?? accounts.list.find((known) => known.handle === handle)?.did
  for (const [index, port] of ports.pds.entries()) {
    state.value.secrets[index] ??= newSecrets()
    state.save()
    const directory = path.join(wanted.data, `pds${index}`)
    const secrets = state.value.secrets[index]
    const onMail = (mail) => emails.push(mail)
    pdses.push(
      await startPds({
        index,
        port,
        listenPort: wanted.behind ? await freePort() : port,
        directory,
        plcUrl: plc.url,
        secrets,
        resolveHandle,
        onMail,
      }),
    )
  }

  const accounts = new Accounts({ pdses, known: state.value.accounts, save: state.save })
  const network = { plc, pdses, emails, accounts, resolveHandle }
  const control = await startControl({ port: ports.control, network })
  state.value.ports = { plc: plc.port, control: control.port, pds: ports.pds }
  state.save()

  if (wanted.withAccounts) {
    for (const [index, name] of ['alice', 'bob'].entries()) {
      if (!accounts.byName(name)) await accounts.create({ name, pds: index % pdses.length })
    }
  }

  network.describe = () => ({
    plc: plc.url,
    control: control.url,
    pds: pdses.map(({ url, port, upstream, did, domain }) => ({
      url,
      port,
      upstream,
      did,
      domain,
      adminPassword: ADMIN_PASSWORD,
    })),
    accounts: accounts.list,
    data: wanted.data,
    pid: process.pid,
    node: process.version,
  })
  network.close = async () => {
    control.close()
    await Promise.allSettled(pdses.map((pds) => pds.close()))
    await plc.close()
  }
  return network
}

function loadState(directory) {
  const file = path.join(directory, 'network.json')
  const value = fs.existsSync(file)
    ? JSON.parse(fs.readFileSync(file, 'utf8'))
    : { ports: {}, secrets: [], accounts: [] }
  const save = () => {
    fs.writeFileSync(`${file}.part`, JSON.stringify(value, null, 2) + '\n')
    fs.renameSync(`${file}.part`, file)
  }
  return { value, save }
}

function newSecrets() {
  const hex = () => randomBytes(32).toString('hex')
  return { rotationKey: hex(), jwt: hex(), dpop: hex() }
}

async function choosePorts({ ports: known }, { count, plcPort, controlPort, pdsPorts }) {
  for (const [index, port] of (known.pds ?? []).entries()) {
    if ((pdsPorts[index] ?? port) !== port) {
      throw new Error(
        `PDS ${index} of this data directory lives on port ${port}: ` +
          'its accounts name that port. Use it, or another directory.',
      )
    }
  }
  const pds = []
  for (let index = 0; index < count; index++) {
    pds.push(known.pds?.[index] ?? pdsPorts[index] ?? (await freePort()))
  }
  return { pds, plc: plcPort || (known.plc ?? 0), control: controlPort || (known.control ?? 0) }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

async function firstDid(pdses, handle) {
  for (const { upstream } of pdses) {
    const did = await wellKnownDid(new URL(upstream).port, handle)
    if (did) return did
  }
  return undefined
}

// A PDS tells the DID of its handles by the Host header, which `fetch` would not let us set.
function wellKnownDid(port, handle) {
  return new Promise((resolve) => {
    if (!/^[a-z0-9.-]+$/i.test(handle)) return resolve(undefined)
    const request = http.get({
      host: '127.0.0.1',
      port,
      path: '/.well-known/atproto-did',
      headers: { host: handle },
      timeout: 2000, // a hanging PDS must not hold up the others
    })
    request.on('timeout', () => request.destroy(new Error('timeout')))
    request.on('error', () => resolve(undefined))
    request.on('response', async (response) => {
      const body = Buffer.concat(await Array.fromAsync(response))
        .toString()
        .trim()
      resolve(response.statusCode === 200 && body.startsWith('did:') ? body : undefined)
    })
  })
}
