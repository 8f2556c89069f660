// First inputs for the fuzz targets, out of the test vectors of wire and identity, and a few by hand.
// Adds to fuzz/corpus what is not there yet.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { inRoot } from './paths.mjs'

const MOST = 8 * 1024

// Targets that read what a wire vector's file of another name holds.
const WIRE_FILES = {
  attachment_parts: 'content',
  delegation_record: 'delegation',
  engine_envelope: 'first_contact',
  engine_payload: 'payload',
  event: 'events',
  safety_code: 'safety_number',
}

const SERVER_METADATA = {
  issuer: 'https://auth.example',
  authorization_endpoint: 'https://auth.example/authorize',
  pushed_authorization_request_endpoint: 'https://auth.example/par',
  token_endpoint: 'https://auth.example/token',
  dpop_signing_alg_values_supported: ['ES256'],
  code_challenge_methods_supported: ['S256'],
  scopes_supported: ['atproto'],
  authorization_response_iss_parameter_supported: true,
}
const TOKENS = {
  access_token: 'a',
  token_type: 'DPoP',
  expires_in: 3600,
  scope: 'atproto repo:chat.sotto.delegation',
  sub: 'did:web:a.example',
}
const ACTOR = {
  did: 'did:web:a.example',
  handle: 'a.bsky.social',
  displayName: 'A',
  avatar: 'https://pds.example/a',
}
const CID = 'bafyreibmt2fdrldaa5gegptipulmbdwwpgi3skzvwdcqjcl7updzyhdx64'
// Four grey pixels.
const PNG =
  '89504e470d0a1a0a0000000d494844520000000200000002080000000057dd52f8' +
  '0000000c49444154789c6360f80f8400060001ff93d1e4890000000049454e44ae426082'
const json = (value) => JSON.stringify(value)
const base64url = (value) => Buffer.from(json(value)).toString('base64url')
const TOKEN = [
  base64url({ alg: 'ES256K', typ: 'JWT' }),
  base64url({
    iss: 'did:web:a.example',
    aud: 'did:web:pds.example#sotto_delegation',
    lxm: 'chat.sotto.deleteDelegation',
    iat: 1,
    exp: 4e9,
    jti: 'a',
  }),
  'c2ln',
].join('.')
const VAULT = {
  header: { version: 1, instance: '00', key: 'keyring' },
  nonce: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  sealed: 'AAAA',
}

const BY_HAND = {
  attachment_parts: ['../../harmless\u00adtxt.exe\nImage/PNG; x=y'],
  delegation_request: [
    `POST /xrpc/chat.sotto.deleteDelegation\nauthorization: Bearer ${TOKEN}\ncontent-type: application/json\n\n{"swapRecord":"a"}`,
    'POST /xrpc/chat.sotto.createDelegation\ncontent-type: application/json\n\n{"record":{}}',
    'GET /xrpc/chat.sotto.getDelegation?did=did:web:a.example',
    'GET /xrpc/com.atproto.sync.subscribeRepos\nconnection: upgrade, x\nupgrade: websocket\nx-forwarded-for: ::1',
  ],
  engine_frame: [''],
  fetched: ['\0\0\0\0\0\0\0\x05hello', '\0\0\0\0\0\0\0\0'],
  file: [
    Buffer.from(PNG, 'hex').toString('latin1'),
    'GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;',
    'RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0',
    '#!/bin/sh',
    '<svg/>',
  ],
  germ_hello: ['\0\0\x14did:web:alice.example\0\x02'],
  handle: [
    'alice.bsky.social',
    '3kdgeujwlq32y',
    'zQ3shgVXZLaMzm5S5x7XzGUG6YFHFLtoEMiv9ao2Bqa7hGyg2',
  ],
  handle_answers: [
    'did=did:plc:fspiuofmmaduyqz6nb6rnqeo\nv=spf1',
    'did=did:web:a.example\ndid=did:web:b.example',
    ' did:web:a.example\r',
  ],
  mls_key_package: ['', '\0\0\x01\0'],
  mls_message: ['', '\0\0\x01\0'],
  mls_welcome: ['', '\0\0\x01\0'],
  oauth_answer: [
    `\n${json(TOKENS)}`,
    `DPoP error="use_dpop_nonce"\n${json({ error: 'use_dpop_nonce' })}`,
    `\n${json({ request_uri: 'urn:x' })}`,
  ],
  oauth_metadata: [
    json({
      resource: 'https://pds.example',
      authorization_servers: ['https://auth.example'],
    }),
    json(SERVER_METADATA),
  ],
  oauth_redirect: [
    'GET /callback?state=state&code=c&iss=https%3A%2F%2Fauth.example HTTP/1.1\r\n\r\n',
  ],
  picture: [Buffer.from(PNG, 'hex').toString('latin1')],
  relay_request: [
    'GET /healthz',
    'GET /.well-known/private-messaging-enabler.json',
    'POST /pmr/v1/challenges\n\n\xa2\x61r\x66device\x61s\x61x',
    'GET /pmr/v1/key-packages/did:web:a.example',
    'POST /pmr/v1/key-packages/did:web:a.example/claims\nsignature: pmr=:AA==:\nsignature-input: pmr=()\n\n\xa0',
    'GET /pmr/v1/attachments/OXzjm5xU0puRPkfqyMw2d_oR74Rkrb6Jy1eEIoJB9wY\nrange: bytes=0-5\nif-range: "x"',
    'POST /pmr/v1/inbox/grant:zjMNj6y2B2k_hTHtLAS_5676qXRPIjZeLXRq1yaF1I8/messages\n\n\xa0',
    'GET /pmr/v1/messages?cursor=1\nsignature: x\nsignature-input: y',
  ],
  server: [
    `\0${json({ actors: [ACTOR] })}`,
    `\0${json({ value: { displayName: 'A', avatar: { ref: { $link: CID } } } })}`,
    `\0${json({ records: [{ uri: 'at://a/b/c', value: { subject: ACTOR.did } }], cursor: 'c' })}`,
    `\0${json({ did: ACTOR.did })}`,
  ],
  tree: ['', '\x7f\0\0\0\x7f', '\x7f\0\0\0\x7f/\0\0\0\0\0'],
  vault: [json(VAULT), json({ database: [1, 2] })],
  words: [`${'abandon '.repeat(23)}art`],
}

export function writeSeeds(names) {
  for (const name of names) {
    const folder = inRoot('fuzz', 'corpus', name)
    fs.mkdirSync(folder, { recursive: true })
    for (const seed of seedsOf(name)) {
      if (seed.length > MOST) continue
      const digest = createHash('sha256').update(seed).digest('hex').slice(0, 16)
      fs.writeFileSync(`${folder}/${digest}`, seed)
    }
  }
}

function seedsOf(name) {
  const file = inRoot('crates/wire/vectors', `${WIRE_FILES[name] ?? name}.json`)
  const vectors = fs.existsSync(file) ? [...ofVectors(read(file))] : []
  return [
    ...vectors,
    ...(BY_HAND[name] ?? []).map((text) => Buffer.from(text, 'latin1')),
    ...ofIdentity(name),
  ]
}

const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'))

// Bytes in hexadecimal, JSON, headers and names, wherever they stand in a file of vectors.
function* ofVectors(value) {
  if (Array.isArray(value)) for (const item of value) yield* ofVectors(item)
  else if (value && typeof value === 'object') {
    for (const [field, content] of Object.entries(value)) yield* ofField(field, content)
  }
}

function* ofField(field, content) {
  if (field === 'json') yield Buffer.from(json(content))
  else if (field === 'headers') yield Buffer.from(signature(content))
  else if (typeof content === 'object') yield* ofVectors(content)
  else if (['hex', 'refused', 'coseKey'].includes(field)) yield Buffer.from(content, 'hex')
  else if (['did', 'domain', 'didKey', 'text', 'header'].includes(field)) yield Buffer.from(content)
}

const signature = (headers) =>
  ['signature-input', 'signature', 'content-digest']
    .map((name) => headers[name])
    .filter(Boolean)
    .join('\n')

function ofIdentity(name) {
  const tests = (file) => inRoot('crates/identity/tests', file)
  const fixture = (file) => fs.readFileSync(tests(`fixtures/${file}`))
  const cases = (file) => read(tests(`vectors/${file}`)).cases
  const texts = (values) => values.filter(Boolean).map((value) => Buffer.from(json(value)))
  switch (name) {
    case 'plc_log':
      return texts(cases('plc.json').map(({ log }) => log))
    case 'delegation_operation':
    case 'plc_operation':
      return texts(cases('plc.json').flatMap(({ log }) => log.map(({ operation }) => operation)))
    case 'germ_record':
      return texts(cases('germ.json').map(({ record }) => record))
    case 'did_document':
      return ['alice.did.json', 'bob.did.json'].map(fixture)
    case 'car':
      return ['alice-absent.car', 'alice-delegation.car', 'bob-absent.car'].map(fixture)
    case 'dag_cbor':
      return [Buffer.from('a1646b657901', 'hex')]
    default:
      return []
  }
}
