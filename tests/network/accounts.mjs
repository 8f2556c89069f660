// Accounts of this network, and what an AppView would know about them.

import { avatarPng } from './avatar.mjs'
import { procedure, query } from './xrpc.mjs'

export class AccountExists extends Error {}

export class Accounts {
  #pdses
  #save
  #profiles = new Map() // the last seen, because an AppView answers while a PDS is away

  // `known` comes from an earlier start with the same data directory.
  constructor({ pdses, known, save }) {
    this.#pdses = pdses
    this.list = known
    this.#save = save
  }

  byName(name) {
    return this.list.find((account) => account.name === name)
  }

  async create({ name, pds: index = 0, password = `${name}-pass`, displayName = capital(name) }) {
    if (this.byName(name)) throw new AccountExists(`${name} exists`)
    const pds = this.#pdses[index]
    const email = `${name}@mail.test`
    const handle = name + pds.domain
    const session = await signUpOrIn(pds.upstream, { handle, email, password })
    await writeProfile(pds.upstream, session, name, displayName)
    const { did } = session
    const account = { name, handle, did, password, email, displayName, pds: pds.url }
    this.list.push(account)
    this.#save()
    return account
  }

  async search(words, limit) {
    const wanted = words.toLowerCase()
    if (!wanted) return []
    const views = await Promise.all(this.list.map((account) => this.#view(account)))
    return views
      .filter((view) => matches(view, wanted))
      .slice(0, limit)
      .map(({ description, ...view }) => view)
  }

  async profile(actor) {
    const account = this.list.find(({ did, handle }) => actor === did || actor === handle)
    return account && this.#view(account)
  }

  // Whom an account follows: the URI of the record by DID. The newest hundred.
  async follows(actor) {
    const account = this.list.find(({ did }) => actor === did)
    if (!account) return undefined
    const wanted = { repo: actor, collection: 'app.bsky.graph.follow', limit: 100 }
    const { records } = await query(account.pds, 'com.atproto.repo.listRecords', wanted)
    return Object.fromEntries(records.map(({ uri, value }) => [value.subject, uri]))
  }

  async #view({ did, handle, pds }) {
    const key = { repo: did, collection: 'app.bsky.actor.profile', rkey: 'self' }
    try {
      const { value } = await query(pds, 'com.atproto.repo.getRecord', key)
      this.#profiles.set(did, value)
    } catch {
      // keep the last seen
    }
    const record = this.#profiles.get(did) ?? {}
    const cid = record.avatar?.ref?.$link
    return {
      did,
      handle,
      displayName: record.displayName ?? '',
      ...(cid && { avatar: `${pds}/xrpc/com.atproto.sync.getBlob?did=${did}&cid=${cid}` }),
      ...(record.description && { description: record.description }),
      labels: [],
      createdAt: record.createdAt,
    }
  }
}

const capital = (name) => name[0].toUpperCase() + name.slice(1)

const matches = ({ handle, displayName }, wanted) =>
  handle.startsWith(wanted.replace(/^@/, '')) ||
  displayName
    .toLowerCase()
    .split(/\s+/)
    .some((word) => word.startsWith(wanted))

// An account can exist without being known: an earlier process may have died in between.
async function signUpOrIn(pds, { handle, email, password }) {
  try {
    return await procedure(pds, 'com.atproto.server.createAccount', { handle, email, password })
  } catch (error) {
    if (!/taken|unavailable|not available/i.test(error.message)) throw error
    const credentials = { identifier: handle, password }
    return procedure(pds, 'com.atproto.server.createSession', credentials)
  }
}

async function writeProfile(pds, { did, accessJwt: token }, name, displayName) {
  const picture = { token, type: 'image/png' }
  const { blob } = await procedure(pds, 'com.atproto.repo.uploadBlob', avatarPng(name), picture)
  const record = {
    $type: 'app.bsky.actor.profile',
    displayName,
    avatar: blob,
    createdAt: new Date().toISOString(),
  }
  const key = { repo: did, collection: 'app.bsky.actor.profile', rkey: 'self' }
  await procedure(pds, 'com.atproto.repo.putRecord', { ...key, record }, { token })
}
