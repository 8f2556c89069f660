// A small did:plc directory: the rules of plc-rules.mjs behind HTTP, with the log in memory and,
// when a file is given, in that file as one JSON entry per line.

import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import * as rules from './plc-rules.mjs'

const { PlcError } = rules

class Directory {
  #export = []
  #logs = new Map()
  #file
  #now
  #lastTime = 0
  #queue = Promise.resolve()

  constructor({ file, now }) {
    this.#file = file
    this.#now = now
    if (!file || !fs.existsSync(file)) return
    for (const line of fs.readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
      this.#append(JSON.parse(line))
    }
  }

  // One after the other: two operations naming the same predecessor must see each other.
  submit(did, input) {
    const result = this.#queue.then(() => this.#accept(did, rules.parseOperation(input)))
    this.#queue = result.catch(() => {})
    return result
  }

  async #accept(did, operation) {
    const now = this.#now()
    await rules.checkNext(did, this.valid(did), operation, now)
    // Strictly rising, so that `GET /export?after=` never skips one.
    this.#lastTime = Math.max(now, this.#lastTime + 1)
    const entry = {
      did,
      operation,
      cid: await rules.operationCid(operation),
      nullified: false,
      createdAt: new Date(this.#lastTime).toISOString(),
    }
    if (this.#file) fs.appendFileSync(this.#file, JSON.stringify(entry) + '\n')
    this.#append(entry)
  }

  // Nullification follows from the order alone, so the file never has to be rewritten.
  #append(entry) {
    for (const other of rules.overruled(this.valid(entry.did), entry.operation)) {
      other.nullified = true
    }
    if (!this.#logs.has(entry.did)) this.#logs.set(entry.did, [])
    this.#logs.get(entry.did).push(entry)
    this.#export.push(entry)
    this.#lastTime = Math.max(this.#lastTime, Date.parse(entry.createdAt))
  }

  audit(did) {
    return this.#logs.get(did) ?? []
  }

  valid(did) {
    return this.audit(did).filter((entry) => !entry.nullified)
  }

  exported(after, count) {
    return this.#export.filter((entry) => entry.createdAt > after).slice(0, count)
  }
}

export async function startPlc({ port = 0, file, now = Date.now } = {}) {
  const directory = new Directory({ file, now })
  const server = http.createServer(async (request, response) => {
    try {
      const [type, body] = await answer(directory, request)
      send(response, 200, type, body)
    } catch (error) {
      const message = error instanceof PlcError ? error.message : `Internal error: ${error.message}`
      send(response, error.status ?? 500, 'application/json', JSON.stringify({ message }))
    }
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    port: server.address().port,
    url: `http://localhost:${server.address().port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

function send(response, status, type, body) {
  response.writeHead(status, { 'content-type': type, 'access-control-allow-origin': '*' })
  response.end(body)
}

const json = (value, type = 'application/json') => [type, JSON.stringify(value)]

async function answer(directory, request) {
  const url = new URL(request.url, 'http://plc')
  if (url.pathname === '/_health') return json({ version: 'sotto-test' })
  if (url.pathname === '/export') return exportLines(directory, url.searchParams)
  const [did, ...rest] = url.pathname.slice(1).split('/').map(decodeURIComponent)
  if (request.method === 'POST' && rest.length === 0) {
    await directory.submit(did, await readJson(request))
    return ['text/plain', 'OK']
  }
  return read(directory, did, rest.join('/'))
}

function exportLines(directory, query) {
  const count = Math.min(Number(query.get('count') ?? 1000), 1000)
  if (!(count >= 1)) throw new PlcError('Invalid count parameter')
  const after = query.has('after') ? new Date(query.get('after')).toISOString() : ''
  const lines = directory.exported(after, count).map((entry) => JSON.stringify(entry))
  return ['application/jsonlines', lines.join('\n')]
}

async function readJson(request) {
  const chunks = await Array.fromAsync(request)
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    throw new PlcError('Not a valid operation: not JSON')
  }
}

function read(directory, did, what) {
  const log = directory.valid(did).map((entry) => entry.operation)
  if (log.length === 0) throw new PlcError(`DID not registered: ${did}`, 404)
  const last = log.at(-1)
  if (what === 'log') return json(log)
  if (what === 'log/audit') return json(directory.audit(did))
  if (what === 'log/last') return json(last)
  if (last.type === 'plc_tombstone') throw new PlcError(`DID not available: ${did}`, 404)
  if (what === '') return json(rules.didDocument(did, last), 'application/did+ld+json')
  if (what === 'data') {
    const { verificationMethods, rotationKeys, alsoKnownAs, services } = last
    return json({ did, verificationMethods, rotationKeys, alsoKnownAs, services })
  }
  throw new PlcError('Not found', 404)
}
