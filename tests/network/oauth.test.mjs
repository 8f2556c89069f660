// The PDS's OAuth page as its user meets it, through approve.mjs.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import http from 'node:http'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startNetwork } from '../../scripts/network-lib.mjs'
import { approve, Refused } from './approve.mjs'
import { OAuthClient } from './oauth-client.mjs'
import { query } from './xrpc.mjs'

const program = fileURLToPath(new URL('approve.mjs', import.meta.url))
const redirect = 'http://127.0.0.1:41999/callback'
let network, alice

before(async () => {
  network = await startNetwork({ pds: 1 })
  alice = network.accounts[0]
})
after(() => network.stop())

function client(scope, to = redirect) {
  return new OAuthClient({ pds: alice.pds, redirect: to, scope })
}

test('a user signs in, consents, and the application can write', async () => {
  const oauth = client('atproto repo:chat.sotto.test')
  const callback = await approve(await oauth.start(), alice.handle, alice.password)
  const { searchParams } = new URL(callback)
  assert.equal(searchParams.get('state'), oauth.state)
  assert.equal(searchParams.get('iss'), alice.pds)
  const granted = await oauth.finish(callback)
  assert.equal(granted.sub, alice.did)
  assert.deepEqual(granted.scope.split(' ').sort(), oauth.scope.split(' ').sort())
  const key = { repo: alice.did, collection: 'chat.sotto.test', rkey: 'self' }
  const input = { ...key, record: { $type: key.collection, text: 'hello' } }
  await oauth.call(granted.access_token, 'com.atproto.repo.putRecord', input)
  const { value } = await query(alice.pds, 'com.atproto.repo.getRecord', key)
  assert.equal(value.text, 'hello')
})

test('the e2ee key needs the scope identity:*', async () => {
  const oauth = client('atproto identity:*')
  const callback = await approve(await oauth.start(), alice.handle, alice.password)
  const { access_token: token } = await oauth.finish(callback)
  await oauth.call(token, 'com.atproto.identity.requestPlcOperationSignature').catch((error) => {
    if (!(error instanceof SyntaxError)) throw error // an empty answer is a good one
  })
  const mails = await (await fetch(`${network.control}/emails?to=${alice.email}`)).json()
  assert.match(mails.at(-1).token, /^[A-Z2-7]{5}-[A-Z2-7]{5}$/)
})

test('a user who declines is sent back with access_denied', async () => {
  const callback = await approve(await client('atproto').start(), '', '', { deny: true })
  const { searchParams } = new URL(callback)
  assert.equal(searchParams.get('error'), 'access_denied')
  assert.equal(searchParams.get('code'), null)
})

test('a wrong password is refused', async () => {
  const page = await client('atproto').start()
  await assert.rejects(approve(page, alice.handle, 'wrong'), Refused)
})

test('as a command it prints the callback, follows it, or exits with 3', async () => {
  const called = http.createServer((_, response) => response.end('you may close this page'))
  called.listen(0, '127.0.0.1')
  await once(called, 'listening')
  const there = `http://127.0.0.1:${called.address().port}/callback`
  const command = async (...flags) => {
    const page = await client('atproto', there).start()
    const args = [program, page, alice.handle, alice.password, ...flags]
    return promisify(execFile)(process.execPath, args)
  }
  const request = once(called, 'request')
  const { stdout } = await command('--follow')
  assert.ok(stdout.startsWith(`${there}?`))
  const [{ url }] = await request
  assert.equal(new URL(url, there).href, stdout.trim())
  assert.match((await command('--deny')).stdout, /error=access_denied/)
  await assert.rejects(command('--wrong-password'), { code: 3, stdout: '' })
  called.close()
})
