// The lexicons of this repository, as the library that PDSes use reads them.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { Lexicons } from '@atproto/lexicon'

const folder = new URL('../../lexicons/chat/sotto/', import.meta.url)
const files = fs.readdirSync(folder)
const documents = files.map((file) => JSON.parse(fs.readFileSync(new URL(file, folder), 'utf8')))

const CID = 'bafyreib2rxk3rybk3aobmv5cjuql3bm2twh4jo5uxgf5kpqcsgz7soitae'
const DID = 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'
const KEY = 'did:key:z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX'
const record = {
  $type: 'chat.sotto.delegation',
  key: KEY,
  domain: 'relay.example',
  claim: new Uint8Array([1, 2, 3]),
  succession: [],
  incoming: 'everyone',
  createdAt: '2026-01-01T00:00:00Z',
}

test('every file is a lexicon of its own name', () => {
  const lexicons = new Lexicons(documents)
  assert.deepEqual(
    files.map((file) => `chat.sotto.${file.replace('.json', '')}`).sort(),
    documents.map(({ id }) => id).sort(),
  )
  for (const { id } of documents) assert.ok(lexicons.getDefOrThrow(id))
})

test('a record is what the lexicon says', () => {
  const lexicons = new Lexicons(documents)
  lexicons.assertValidRecord('chat.sotto.delegation', record)
  for (const wrong of [{ incoming: 'all' }, { claim: 'x' }, { key: undefined }]) {
    const other = { ...record, ...wrong }
    assert.throws(() => lexicons.assertValidRecord('chat.sotto.delegation', other))
  }
})

test('inputs and outputs are what the lexicons say', () => {
  const lexicons = new Lexicons(documents)
  const swapRecord = CID
  lexicons.assertValidXrpcInput('chat.sotto.createDelegation', { record })
  lexicons.assertValidXrpcInput('chat.sotto.updateDelegation', { record, swapRecord })
  lexicons.assertValidXrpcInput('chat.sotto.deleteDelegation', { swapRecord })
  const written = { uri: `at://${DID}/chat.sotto.delegation/self`, cid: CID, documentKey: KEY }
  lexicons.assertValidXrpcOutput('chat.sotto.createDelegation', written)
  lexicons.assertValidXrpcOutput('chat.sotto.updateDelegation', written)
  lexicons.assertValidXrpcOutput('chat.sotto.deleteDelegation', {})
  lexicons.assertValidXrpcParams('chat.sotto.getDelegation', { did: DID })
  const audience = 'did:web:pds.example#sotto_delegation'
  const nothing = { did: DID, audience, car: new Uint8Array([1]) }
  lexicons.assertValidXrpcOutput('chat.sotto.getDelegation', nothing)
  const all = { ...nothing, record, cid: CID, documentKey: KEY }
  lexicons.assertValidXrpcOutput('chat.sotto.getDelegation', all)

  const input = (method, value) => () => lexicons.assertValidXrpcInput(method, value)
  assert.throws(input('chat.sotto.createDelegation', {}))
  assert.throws(input('chat.sotto.updateDelegation', { record }))
  assert.throws(input('chat.sotto.deleteDelegation', { swapRecord: 'x' }))
  const noCar = { did: DID, audience }
  assert.throws(() => lexicons.assertValidXrpcOutput('chat.sotto.getDelegation', noCar))
})
