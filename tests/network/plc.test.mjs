// The rules of the directory, with keys and a clock of our own.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { P256Keypair, Secp256k1Keypair } from '@atproto/crypto'
import * as cbor from '@ipld/dag-cbor'
import { toString } from 'uint8arrays'
import { startPlc } from './plc.mjs'
import { didOfGenesis, operationCid } from './plc-rules.mjs'

const ED25519 = 'did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp'
const HOUR = 3600 * 1000
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sotto-plc-'))
const open = []

let clock, plc, strong, weak, stranger

beforeEach(async () => {
  clock = Date.parse('2026-01-01T00:00:00Z')
  plc = await start()
  strong = await Secp256k1Keypair.create()
  weak = await P256Keypair.create()
  stranger = await Secp256k1Keypair.create()
})

after(async () => {
  for (const each of open) await each.close()
  fs.rmSync(folder, { recursive: true })
})

async function start(file) {
  const directory = await startPlc({ file, now: () => clock })
  open.push(directory)
  return directory
}

async function sign(operation, key) {
  const signature = await key.sign(new Uint8Array(cbor.encode(operation)))
  return { ...operation, sig: toString(signature, 'base64url') }
}

function operation(changes = {}) {
  return {
    type: 'plc_operation',
    rotationKeys: [strong.did(), weak.did()],
    verificationMethods: { atproto: weak.did() },
    alsoKnownAs: ['at://alice.test'],
    services: {
      atproto_pds: { type: 'AtprotoPersonalDataServer', endpoint: 'http://localhost:1' },
    },
    prev: null,
    ...changes,
  }
}

async function post(did, body) {
  const options = { method: 'POST', body: JSON.stringify(body) }
  const response = await fetch(`${plc.url}/${did}`, options)
  return { status: response.status, text: await response.text() }
}

async function get(route) {
  const response = await fetch(`${plc.url}/${route}`)
  return { status: response.status, body: await response.json() }
}

async function register() {
  const genesis = await sign(operation(), strong)
  const did = await didOfGenesis(genesis)
  await accepted(did, genesis)
  return { did, genesis, cid: await operationCid(genesis) }
}

async function accepted(did, body) {
  assert.deepEqual(await post(did, body), { status: 200, text: 'OK' })
  return operationCid(body)
}

async function refused(did, body, reason) {
  const { status, text } = await post(did, body)
  assert.equal(status, 400, text)
  assert.match(text, reason)
}

test('a new DID is the hash of its first operation', async () => {
  const { did, genesis } = await register()
  assert.match(did, /^did:plc:[a-z2-7]{24}$/)
  const { body } = await get(`${did}/log/last`)
  assert.deepEqual(body, genesis)
  await refused('did:plc:aaaaaaaaaaaaaaaaaaaaaaaa', genesis, /Hash of genesis operation/)
})

test('a first operation must be signed by one of its own rotation keys', async () => {
  const genesis = await sign(operation(), stranger)
  await refused(await didOfGenesis(genesis), genesis, /Invalid signature/)
})

test('a document carries keys of any type', async () => {
  const { did, cid } = await register()
  const verificationMethods = { atproto: weak.did(), e2ee: ED25519 }
  await accepted(did, await sign(operation({ prev: cid, verificationMethods }), strong))
  const { body: document } = await get(did)
  assert.equal(document.id, did)
  assert.deepEqual(document.alsoKnownAs, ['at://alice.test'])
  const method = document.verificationMethod.find(({ id }) => id === `${did}#e2ee`)
  assert.deepEqual(method, {
    id: `${did}#e2ee`,
    type: 'Multikey',
    controller: did,
    publicKeyMultibase: ED25519.slice('did:key:'.length),
  })
  assert.equal(document.service[0].serviceEndpoint, 'http://localhost:1')
  const { body: data } = await get(`${did}/data`)
  assert.deepEqual(data.verificationMethods, verificationMethods)
})

test('an Ed25519 key cannot be a rotation key', async () => {
  const { did, cid } = await register()
  const change = operation({ prev: cid, rotationKeys: [strong.did(), ED25519] })
  await refused(did, await sign(change, strong), /Invalid rotationKey/)
})

test('a later operation must name the last one and be signed by its rotation keys', async () => {
  const { did, cid } = await register()
  await refused(did, await sign(operation({ prev: cid }), stranger), /Invalid signature/)
  await refused(did, await sign(operation(), strong), /not correctly ordered/)
  const change = await sign(operation({ prev: cid, alsoKnownAs: ['at://bob.test'] }), weak)
  await refused(did, { ...change, alsoKnownAs: ['at://eve.test'] }, /Invalid signature/)
  await refused(did, { ...change, sig: change.sig + '==' }, /padded/)
  await accepted(did, change)
})

test('unknown fields do not enter the log', async () => {
  const { did, cid } = await register()
  const change = await sign(operation({ prev: cid }), weak)
  assert.equal((await post(did, { ...change, extra: 'unsigned' })).status, 200)
  assert.deepEqual((await get(`${did}/log/last`)).body, change)
  const signedExtra = operation({ prev: await operationCid(change), extra: 'signed' })
  await refused(did, await sign(signedExtra, weak), /Invalid signature/)
})

test('a stronger key overrules a weaker one within 72 hours', async () => {
  const { did, cid } = await register()
  const theft = operation({ prev: cid, rotationKeys: [weak.did()] })
  await accepted(did, await sign(theft, weak))
  clock += 71 * HOUR
  const recovery = await sign(operation({ prev: cid, alsoKnownAs: ['at://back.test'] }), strong)
  await accepted(did, recovery)
  assert.deepEqual((await get(`${did}/log/last`)).body, recovery)
  assert.equal((await get(`${did}/log`)).body.length, 2)
  const { body: audit } = await get(`${did}/log/audit`)
  assert.deepEqual(
    audit.map(({ nullified }) => nullified),
    [false, true, false],
  )
})

test('nobody overrules later, nor with a key of the same or lower rank', async () => {
  const { did, cid } = await register()
  await accepted(did, await sign(operation({ prev: cid, alsoKnownAs: [] }), weak))
  const again = operation({ prev: cid, alsoKnownAs: ['at://x.test'] })
  await refused(did, await sign(again, weak), /Invalid signature/)
  clock += 73 * HOUR
  await refused(did, await sign(again, strong), /recovery window/)
})

test('a tombstone ends a DID until it is overruled', async () => {
  const { did, cid } = await register()
  const end = await sign({ type: 'plc_tombstone', prev: cid }, weak)
  const endCid = await accepted(did, end)
  assert.equal((await get(did)).status, 404)
  assert.equal((await get(`${did}/data`)).status, 404)
  assert.deepEqual((await get(`${did}/log/last`)).body, end)
  await refused(did, await sign(operation({ prev: endCid }), strong), /not correctly ordered/)
  await accepted(did, await sign(operation({ prev: cid }), strong))
  assert.equal((await get(did)).status, 200)
})

test('sizes are limited', async () => {
  const { did, cid } = await register()
  const many = (count, value) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]))
  const service = (endpoint) => ({ type: 'T', endpoint })
  const cases = [
    [{ verificationMethods: many(11, ED25519) }, /Too many Verification Method/],
    [{ verificationMethods: { ['x'.repeat(33)]: ED25519 } }, /id too long/],
    [{ verificationMethods: { x: 'did:key:z' + '6'.repeat(256) } }, /key too long/],
    [{ verificationMethods: { x: 'https://example.test' } }, /Invalid verificationMethod/],
    [{ services: many(11, service('http://x')) }, /service entries/],
    [{ services: { x: service('http://' + 'x'.repeat(512)) } }, /endpoint too long/],
    [{ alsoKnownAs: ['at://a.test', 'at://a.test'] }, /duplicate/],
    [{ alsoKnownAs: Array.from({ length: 11 }, (_, index) => `at://a${index}.test`) }, /To many/],
    [{ alsoKnownAs: ['x'.repeat(4000)] }, /too large/],
  ]
  for (const [changes, reason] of cases) {
    await refused(did, await sign(operation({ prev: cid, ...changes }), strong), reason)
  }
  for (const nonsense of [null, [], 'x', 7, {}, { type: 'create', sig: 'x' }]) {
    assert.equal((await post(did, nonsense)).status, 400)
  }
})

test('ten operations an hour, but a recovery is always let through', async () => {
  const { did, cid } = await register()
  let last = cid
  const next = async () => sign(operation({ prev: last }), weak)
  for (let count = 1; count < 10; count++) last = await accepted(did, await next())
  await refused(did, await next(), /within last hour/)
  await accepted(did, await sign(operation({ prev: cid, alsoKnownAs: [] }), strong))
  clock += 2 * HOUR
  last = await operationCid((await get(`${did}/log/last`)).body)
  await accepted(did, await next())
})

test('the export lists every operation once, in order', async () => {
  const first = await register()
  const change = await sign(operation({ prev: first.cid, alsoKnownAs: [] }), strong)
  await accepted(first.did, change)
  const lines = async (query) =>
    (await (await fetch(`${plc.url}/export?${query}`)).text()).split('\n').filter(Boolean)
  const [one] = (await lines('count=1')).map((line) => JSON.parse(line))
  assert.deepEqual(one.operation, first.genesis)
  const [two, ...more] = (await lines(`after=${one.createdAt}`)).map((line) => JSON.parse(line))
  assert.deepEqual(two.operation, change)
  assert.deepEqual(more, [])
})

test('a file keeps the log, with what was overruled', async () => {
  const file = path.join(folder, 'plc.jsonl')
  plc = await start(file)
  const { did, cid } = await register()
  await accepted(did, await sign(operation({ prev: cid, alsoKnownAs: [] }), weak))
  await accepted(did, await sign(operation({ prev: cid }), strong))
  const before = (await get(`${did}/log/audit`)).body
  plc = await start(file)
  assert.deepEqual((await get(`${did}/log/audit`)).body, before)
})

test('an unknown DID is not found', async () => {
  assert.equal((await get('did:plc:aaaaaaaaaaaaaaaaaaaaaaaa')).status, 404)
})
