// The network as a whole: accounts, records, the control door, restarts.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startNetwork } from '../../scripts/network-lib.mjs'
import { procedure, query } from './xrpc.mjs'

const ED25519 = 'did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp'
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sotto-network-test-'))
const data = path.join(folder, 'data')
let network, alice, bob

before(async () => {
  network = await startNetwork({ data })
  ;[alice, bob] = network.accounts
})
after(async () => {
  await network.stop()
  fs.rmSync(folder, { recursive: true })
})

async function door(route, options) {
  const response = await fetch(network.control + route, options)
  return { status: response.status, body: await response.json() }
}

const post = (route, body) => door(route, { method: 'POST', body: JSON.stringify(body) })

async function signIn({ pds, handle, password }) {
  const credentials = { identifier: handle, password }
  const session = await procedure(pds, 'com.atproto.server.createSession', credentials)
  return session.accessJwt
}

async function pdsAnswers(account) {
  try {
    const signal = AbortSignal.timeout(1000)
    return (await fetch(`${account.pds}/xrpc/_health`, { signal })).ok
  } catch (error) {
    return error.name === 'TimeoutError' ? 'silence' : 'refused'
  }
}

test('alice and bob live on different PDSes', async () => {
  assert.equal(alice.handle, 'alice.pds0.test')
  assert.equal(bob.handle, 'bob.pds1.test')
  assert.notEqual(alice.pds, bob.pds)
  for (const account of [alice, bob]) {
    const document = await (await fetch(`${network.plc}/${account.did}`)).json()
    assert.equal(document.service[0].serviceEndpoint, account.pds)
    assert.deepEqual(document.alsoKnownAs, [`at://${account.handle}`])
  }
})

test('everything listens on 127.0.0.1 only', async () => {
  const outward = Object.values(os.networkInterfaces())
    .flat()
    .find(({ family, internal }) => family === 'IPv4' && !internal)
  if (!outward) return // no other address to try
  const urls = [network.plc, network.control, ...network.pds.map(({ url }) => url)]
  for (const { port } of urls.map((url) => new URL(url))) {
    const socket = net.connect({ host: outward.address, port })
    await assert.rejects(once(socket, 'connect'), { code: 'ECONNREFUSED' })
  }
})

test('a record of an unknown kind can be written and read by anyone', async () => {
  const token = await signIn(alice)
  const key = { repo: alice.did, collection: 'chat.sotto.test', rkey: 'self' }
  const record = { $type: key.collection, bytes: { $bytes: 'AQID' } }
  await procedure(alice.pds, 'com.atproto.repo.putRecord', { ...key, record }, { token })
  const { value } = await query(alice.pds, 'com.atproto.repo.getRecord', key)
  assert.deepEqual(value, record)
  const { repo: did, ...rest } = key
  const proof = new URLSearchParams({ did, ...rest })
  const car = await fetch(`${alice.pds}/xrpc/com.atproto.sync.getRecord?${proof}`)
  assert.equal(car.headers.get('content-type'), 'application/vnd.ipld.car')
})

test('an e2ee key enters the DID document through the PDS; a bad one does not', async () => {
  const token = await signIn(bob)
  const call = (method, input) =>
    procedure(bob.pds, `com.atproto.identity.${method}`, input, { token })
  const sign = async (e2ee) => {
    await call('requestPlcOperationSignature')
    const { body: mails } = await door(`/emails?to=${bob.email}`)
    const { verificationMethods } = await (await fetch(`${network.plc}/${bob.did}/data`)).json()
    return call('signPlcOperation', {
      token: mails.at(-1).token,
      verificationMethods: { ...verificationMethods, e2ee },
    })
  }
  const { operation } = await sign(ED25519)
  await call('submitPlcOperation', { operation })
  const document = await (await fetch(`${network.plc}/${bob.did}`)).json()
  const key = document.verificationMethod.find(({ id }) => id.endsWith('#e2ee'))
  assert.equal(`did:key:${key.publicKeyMultibase}`, ED25519)
  assert.ok(document.verificationMethod.some(({ id }) => id.endsWith('#atproto')))

  const bad = await sign('not-a-key').catch((error) => error)
  if (!(bad instanceof Error)) await assert.rejects(call('submitPlcOperation', bad))
  const changed = { ...operation, alsoKnownAs: ['at://mallory.test'] }
  const options = { method: 'POST', body: JSON.stringify(changed) }
  assert.equal((await fetch(`${network.plc}/${bob.did}`, options)).status, 400)
})

test('handles resolve', async () => {
  const resolve = (handle) =>
    query(network.control, 'com.atproto.identity.resolveHandle', { handle })
  assert.deepEqual(await resolve(bob.handle), { did: bob.did })
  await assert.rejects(resolve('nobody.pds0.test'), { code: 'HandleNotFound' })
  await assert.rejects(resolve('a b/c'), { code: 'HandleNotFound' })
  const onPds = await query(alice.pds, 'com.atproto.identity.resolveHandle', { handle: bob.handle })
  assert.deepEqual(onPds, { did: bob.did })
})

test('suggestions look like those of the public AppView', async () => {
  const search = async (q, limit = 10) =>
    (await query(network.control, 'app.bsky.actor.searchActorsTypeahead', { q, limit })).actors
  const [actor, ...others] = await search('ali')
  assert.deepEqual(others, [])
  assert.equal(actor.did, alice.did)
  assert.equal(actor.handle, alice.handle)
  assert.equal(actor.displayName, 'Alice')
  const picture = Buffer.from(await (await fetch(actor.avatar)).arrayBuffer())
  assert.equal(picture.subarray(1, 4).toString(), 'PNG')
  assert.equal((await search('@BOB'))[0].did, bob.did)
  assert.deepEqual(await search('zzz'), [])
  const profile = (actor) => query(network.control, 'app.bsky.actor.getProfile', { actor })
  assert.equal((await profile(bob.did)).displayName, 'Bob')
  assert.equal((await profile(bob.handle)).did, bob.did)
  await assert.rejects(profile('nobody.test'), { status: 400 })
})

test('more accounts can be made', async () => {
  const { status, body: carol } = await post('/accounts', { name: 'carol', pds: 1 })
  assert.equal(status, 200)
  assert.equal(carol.handle, 'carol.pds1.test')
  assert.equal(carol.password, 'carol-pass')
  await signIn(carol)
  assert.equal((await post('/accounts', { name: 'carol' })).status, 409)
  assert.equal((await post('/accounts', { name: '../x' })).status, 400)
  assert.equal((await post('/accounts', { name: 'dave', pds: 9 })).status, 400)
  const { body } = await door('/network')
  assert.deepEqual(
    body.accounts.map(({ name }) => name),
    ['alice', 'bob', 'carol'],
  )
})

test('a PDS can be made unreachable and come back', async () => {
  await post('/pds/1/pause')
  assert.equal(await pdsAnswers(bob), 'refused')
  assert.equal(await pdsAnswers(alice), true)
  await post('/pds/1/pause?mode=hang')
  assert.equal(await pdsAnswers(bob), 'silence')
  const suggestion = query(network.control, 'app.bsky.actor.getProfile', { actor: alice.did })
  assert.equal((await suggestion).displayName, 'Alice')
  await post('/pds/1/resume')
  assert.equal(await pdsAnswers(bob), true)
  await post('/plc/pause')
  await assert.rejects(fetch(`${network.plc}/${bob.did}`))
  await post('/plc/resume')
  assert.equal((await fetch(`${network.plc}/${bob.did}`)).status, 200)
  assert.equal((await post('/pds/7/pause')).status, 404)
})

test('a second start has the same accounts, records and ports', async () => {
  const before = (await door('/network')).body
  const key = { repo: alice.did, collection: 'app.bsky.actor.profile', rkey: 'self' }
  const record = await query(alice.pds, 'com.atproto.repo.getRecord', key)
  await network.stop()
  network = await startNetwork({ data })
  const after = (await door('/network')).body
  assert.deepEqual(after.accounts, before.accounts)
  assert.deepEqual(after.pds, before.pds)
  assert.equal(after.plc, before.plc)
  assert.deepEqual(await query(alice.pds, 'com.atproto.repo.getRecord', key), record)
  await signIn(bob)
})

test('the PDSes of a kept network cannot move', async () => {
  await network.stop()
  await assert.rejects(startNetwork({ data, ports: { pds: [1, 2] } }), /lives on port/)
  network = await startNetwork({ data })
})

test('it prints one line and ends with its standard input', async () => {
  const program = fileURLToPath(new URL('network.mjs', import.meta.url))
  const args = [program, '--pds', '1', '--no-accounts', '--die-with-stdin']
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.on('data', (piece) => (printed += piece))
  while (!printed.includes('\n')) await sleep(50)
  const ready = JSON.parse(printed)
  assert.deepEqual(ready.accounts, [])
  child.stdin.end()
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
  assert.equal(printed.trim().split('\n').length, 1)
  assert.equal(fs.existsSync(ready.data), false)
})
