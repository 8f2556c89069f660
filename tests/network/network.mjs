#!/usr/bin/env node
// A did:plc directory, real PDSes and a control door on 127.0.0.1. See README.md.

// The PDS logs to standard output, which belongs to the one JSON line. Has to be said before the
// PDS is imported, hence the dynamic imports below.
process.env.LOG_ENABLED ??= 'false'

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

const { startNetwork } = await import('./start-network.mjs')

const { values: options } = parseArgs({
  options: {
    pds: { type: 'string', default: '2' },
    data: { type: 'string' },
    'plc-port': { type: 'string' },
    'control-port': { type: 'string' },
    'pds-port': { type: 'string' },
    'no-accounts': { type: 'boolean', default: false },
    behind: { type: 'boolean', default: false },
    'ready-file': { type: 'string' },
    'die-with-stdin': { type: 'boolean', default: false },
  },
})

const data = options.data
  ? path.resolve(options.data)
  : fs.mkdtempSync(path.join(os.tmpdir(), 'sotto-network-'))
let network
let stopping = false

async function stop(code) {
  if (stopping) return
  stopping = true
  await network?.close()
  if (!options.data) fs.rmSync(data, { recursive: true, force: true })
  process.exit(code)
}

function announce(ready) {
  const line = JSON.stringify(ready)
  const file = options['ready-file']
  if (file) {
    // Renamed into place: whoever waits for the file never reads half of it.
    fs.writeFileSync(`${file}.part`, line + '\n')
    fs.renameSync(`${file}.part`, file)
  }
  process.stdout.write(line + '\n')
}

process.on('SIGTERM', () => stop(0))
process.on('SIGINT', () => stop(0))
if (options['die-with-stdin']) {
  process.stdin.resume()
  process.stdin.on('close', () => stop(0))
}

try {
  network = await startNetwork({
    data,
    count: Number(options.pds),
    plcPort: Number(options['plc-port'] ?? 0),
    controlPort: Number(options['control-port'] ?? 0),
    pdsPorts: (options['pds-port'] ?? '').split(',').filter(Boolean).map(Number),
    withAccounts: !options['no-accounts'],
    behind: options.behind,
  })
  if (stopping) await network.close()
  else announce({ ...network.describe(), readyMs: Math.round(performance.now()) })
} catch (error) {
  process.stderr.write(`The network did not start: ${error.message}\n`)
  await stop(1)
}
