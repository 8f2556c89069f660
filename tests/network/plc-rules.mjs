// The rules of did:plc: which operation may follow which. Pure functions, no storage, no clock of
// their own. They follow the did:plc specification (https://web.plc.directory/spec/v0.1/did-plc)
// and the limits of the public directory.

import { parseDidKey, verifySignature } from '@atproto/crypto'
import * as cbor from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import { fromString, toString } from 'uint8arrays'

const HOUR = 3600 * 1000
const DAG_CBOR = 0x71
const RECOVERY_WINDOW = 72 * HOUR

const LIMITS = {
  operationBytes: 4000,
  entries: 10,
  idLength: 32,
  didKeyLength: 256,
  alsoKnownAsLength: 258,
  serviceTypeLength: 256,
  serviceEndpointLength: 512,
}

const RATES = [
  { name: 'hour', span: HOUR, most: 10 },
  { name: 'day', span: 24 * HOUR, most: 30 },
  { name: 'week', span: 7 * 24 * HOUR, most: 100 },
]

export class PlcError extends Error {
  constructor(message, status = 400) {
    super(message)
    this.status = status
  }
}

function ensure(condition, message) {
  if (!condition) throw new PlcError(message)
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const isString = (value) => typeof value === 'string'
const isStrings = (value) => Array.isArray(value) && value.every(isString)

// Unknown fields are dropped, as the public directory does: what was signed with them does not
// verify afterwards, and what was not signed does not enter the log.
export function parseOperation(input) {
  ensure(isObject(input), 'Not a valid operation')
  ensure(
    cbor.encode(input).byteLength <= LIMITS.operationBytes,
    `Operation too large (${LIMITS.operationBytes} bytes maximum in cbor encoding)`,
  )
  ensure(isString(input.sig), 'Not a valid operation: no signature')
  if (input.type === 'plc_tombstone') {
    ensure(isString(input.prev), 'Not a valid tombstone')
    return { type: input.type, prev: input.prev, sig: input.sig }
  }
  ensure(input.type === 'plc_operation', `Not a valid operation type: ${input.type}`)
  ensure(input.prev === null || isString(input.prev), 'Not a valid operation: prev')
  return {
    type: input.type,
    rotationKeys: parseRotationKeys(input.rotationKeys),
    verificationMethods: parseVerificationMethods(input.verificationMethods),
    alsoKnownAs: parseAlsoKnownAs(input.alsoKnownAs),
    services: parseServices(input.services),
    prev: input.prev,
    sig: input.sig,
  }
}

function parseRotationKeys(keys) {
  ensure(isStrings(keys), 'Not a valid operation: rotationKeys')
  ensure(keys.length <= LIMITS.entries, `Too many rotationKey entries (max ${LIMITS.entries})`)
  for (const key of keys) {
    // Rotation keys sign operations, so only key types the directory can verify are let in.
    try {
      parseDidKey(key)
    } catch {
      throw new PlcError(`Invalid rotationKey: ${key}`)
    }
  }
  return keys
}

function parseVerificationMethods(methods) {
  ensure(isObject(methods), 'Not a valid operation: verificationMethods')
  const entries = Object.entries(methods)
  ensure(
    entries.length <= LIMITS.entries,
    `Too many Verification Method entries (max ${LIMITS.entries})`,
  )
  for (const [id, key] of entries) {
    ensure(id.length <= LIMITS.idLength, `Verification Method id too long: ${id}`)
    ensure(isString(key) && key.length <= LIMITS.didKeyLength, 'Verification Method key too long')
    // Any type of key, as long as it is written as one.
    ensure(/^did:key:z[1-9A-HJ-NP-Za-km-z]+$/.test(key), `Invalid verificationMethod key: ${key}`)
  }
  return methods
}

function parseAlsoKnownAs(names) {
  ensure(isStrings(names), 'Not a valid operation: alsoKnownAs')
  ensure(names.length <= LIMITS.entries, `To many alsoKnownAs entries (max ${LIMITS.entries})`)
  ensure(new Set(names).size === names.length, 'duplicate alsoKnownAs entry')
  for (const name of names) {
    ensure(name.length <= LIMITS.alsoKnownAsLength, `alsoKnownAs entry too long: ${name}`)
  }
  return names
}

function parseServices(services) {
  ensure(isObject(services), 'Not a valid operation: services')
  const entries = Object.entries(services)
  ensure(entries.length <= LIMITS.entries, `To many service entries (max ${LIMITS.entries})`)
  return Object.fromEntries(
    entries.map(([id, service]) => {
      ensure(id.length <= LIMITS.idLength, `Service id too long: ${id}`)
      ensure(
        isObject(service) && isString(service.type) && isString(service.endpoint),
        `Not a valid service: ${id}`,
      )
      ensure(service.type.length <= LIMITS.serviceTypeLength, 'Service type too long')
      ensure(service.endpoint.length <= LIMITS.serviceEndpointLength, 'Service endpoint too long')
      return [id, { type: service.type, endpoint: service.endpoint }]
    }),
  )
}

export async function operationCid(operation) {
  return CID.createV1(DAG_CBOR, await sha256.digest(cbor.encode(operation))).toString()
}

export async function didOfGenesis(operation) {
  const { digest } = await sha256.digest(cbor.encode(operation))
  return 'did:plc:' + toString(digest, 'base32').slice(0, 24)
}

// The first of these keys that signed the operation.
async function signerOf(operation, keys) {
  const { sig, ...unsigned } = operation
  ensure(!sig.endsWith('='), 'Invalid signature: padded')
  let signature
  try {
    signature = fromString(sig, 'base64url')
  } catch {
    throw new PlcError('Invalid signature: not base64url')
  }
  const bytes = new Uint8Array(cbor.encode(unsigned))
  for (const key of keys) if (await verifySignature(key, bytes, signature)) return key
  throw new PlcError('Invalid signature on op')
}

// Entries of the log after the one that `operation` names as its predecessor: those it overrules.
export function overruled(log, operation) {
  const index = log.findIndex((entry) => entry.cid === operation.prev)
  return index < 0 ? [] : log.slice(index + 1)
}

// `log` holds the entries still valid, oldest first. Throws when the operation may not follow.
export async function checkNext(did, log, operation, now) {
  if (log.length === 0) return checkGenesis(did, operation)
  const previous = log.find((entry) => entry.cid === operation.prev)
  ensure(
    previous && previous.operation.type !== 'plc_tombstone',
    'Operations not correctly ordered',
  )
  const keys = previous.operation.rotationKeys
  const [disputed] = overruled(log, operation)
  if (!disputed) {
    await signerOf(operation, keys)
    // Only here: a thief who fills the log must not be able to lock out the recovery.
    checkRate(log, now)
    return
  }
  // Recovery: earlier in the list of rotation keys means stronger.
  const thief = await signerOf(disputed.operation, keys)
  await signerOf(operation, keys.slice(0, keys.indexOf(thief)))
  ensure(
    now - Date.parse(disputed.createdAt) <= RECOVERY_WINDOW,
    'Recovery operation occurred outside of the allowed 72 hr recovery window',
  )
}

async function checkGenesis(did, operation) {
  ensure(
    operation.type !== 'plc_tombstone' && operation.prev === null,
    'expected null prev on create',
  )
  await signerOf(operation, operation.rotationKeys)
  const expected = await didOfGenesis(operation)
  ensure(expected === did, `Hash of genesis operation does not match DID identifier: ${expected}`)
}

function checkRate(log, now) {
  for (const { name, span, most } of RATES) {
    const recent = log.filter((entry) => Date.parse(entry.createdAt) > now - span)
    ensure(recent.length < most, `To many operations within last ${name} (max ${most})`)
  }
}

const SUITES = {
  ES256: 'https://w3id.org/security/suites/ecdsa-2019/v1',
  ES256K: 'https://w3id.org/security/suites/secp256k1-2019/v1',
}

function suiteOf(key) {
  try {
    return SUITES[parseDidKey(key).jwtAlg]
  } catch {
    return undefined // a key type without a signature suite of its own, e.g. Ed25519 here
  }
}

export function didDocument(did, operation) {
  const keys = Object.values(operation.verificationMethods)
  return {
    '@context': [
      ...new Set([
        'https://www.w3.org/ns/did/v1',
        'https://w3id.org/security/multikey/v1',
        ...keys.map(suiteOf).filter(Boolean),
      ]),
    ],
    id: did,
    alsoKnownAs: operation.alsoKnownAs,
    verificationMethod: Object.entries(operation.verificationMethods).map(([id, key]) => ({
      id: `${did}#${id}`,
      type: 'Multikey',
      controller: did,
      publicKeyMultibase: key.slice('did:key:'.length),
    })),
    service: Object.entries(operation.services).map(([id, { type, endpoint }]) => ({
      id: `#${id}`,
      type,
      serviceEndpoint: endpoint,
    })),
  }
}
