// The ports of `npm start` and `npm run dev`: 41700 to 41708 when they are free, else any free
// ones. They are remembered beside the data, because accounts name their PDS and their relay by
// URL.

import fs from 'node:fs'
import path from 'node:path'
import { freePort, isFree } from './network-lib.mjs'
import { Stop } from './progress.mjs'

const WANTED = {
  plc: 41700,
  control: 41701,
  pds0: 41702,
  pds1: 41703,
  relay0: 41704,
  relay1: 41705,
  shell0: 41706,
  shell1: 41707,
}
const MOVABLE = ['plc', 'control', 'shell0', 'shell1']

export async function choosePorts(folder) {
  const file = path.join(folder, 'ports.json')
  const known = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {}
  const ports = {}
  for (const [name, wanted] of Object.entries(WANTED)) {
    const port = known[name] ?? wanted
    if (await isFree(port)) ports[name] = port
    else if (known[name] && !MOVABLE.includes(name)) throw new Stop(taken(name, port))
    else ports[name] = await freePort()
  }
  fs.mkdirSync(folder, { recursive: true })
  fs.writeFileSync(file, JSON.stringify(ports, null, 2) + '\n')
  return ports
}

const taken = (name, port) =>
  `Port ${port} (${name}) is in use, and the accounts here are bound to it.\n` +
  'If Sotto is already running from this folder, end that first. Otherwise begin with new\n' +
  'accounts: npm start -- --fresh'
