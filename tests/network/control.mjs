// The control door: what tests and development need beside the PLC directory and the PDSes.

import { once } from 'node:events'
import http from 'node:http'
import { AccountExists } from './accounts.mjs'

class Refusal extends Error {
  constructor(status, error, message) {
    super(message)
    this.status = status
    this.body = { error, message }
  }
}

export async function startControl({ port, network }) {
  const server = http.createServer(async (request, response) => {
    try {
      const body = await answer(network, request)
      const type = typeof body === 'string' ? 'text/plain' : 'application/json'
      reply(response, 200, type, typeof body === 'string' ? body : JSON.stringify(body))
    } catch (error) {
      const status = error.status ?? 500
      const body = error.body ?? { error: 'InternalServerError', message: error.message }
      reply(response, status, 'application/json', JSON.stringify(body))
    }
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: server.address().port,
    url: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function reply(response, status, type, body) {
  response.writeHead(status, { 'content-type': type, 'access-control-allow-origin': '*' })
  response.end(body)
}

async function answer(network, request) {
  const { pathname, searchParams } = new URL(request.url, 'http://control')
  const route = ROUTES[`${request.method} ${pathname}`]
  if (route) return route(network, searchParams, request)
  const [, kind, index, action] = /^\/(pds|plc)(?:\/(\d+))?\/(pause|resume)$/.exec(pathname) ?? []
  const server = kind === 'plc' ? network.plc : network.pdses[index]
  if (request.method !== 'POST' || !server) throw new Refusal(404, 'NotFound', 'no such door')
  await server[action]({ hang: searchParams.get('mode') === 'hang' })
  return {}
}

const ROUTES = {
  'GET /network': (network) => network.describe(),

  'GET /accounts': (network) => network.accounts.list,

  'POST /accounts': async (network, _, request) => {
    const wanted = JSON.parse(Buffer.concat(await Array.fromAsync(request)).toString() || '{}')
    if (!/^[a-z][a-z0-9-]{2,17}$/.test(wanted.name ?? '')) {
      throw new Refusal(400, 'InvalidRequest', 'name: 3 to 18 of a-z, 0-9 and -')
    }
    if (!network.pdses[wanted.pds ?? 0]) throw new Refusal(400, 'InvalidRequest', 'no such pds')
    try {
      return await network.accounts.create(wanted)
    } catch (error) {
      if (error instanceof AccountExists) throw new Refusal(409, 'Exists', error.message)
      throw error
    }
  },

  'GET /emails': (network, query) =>
    network.emails.filter(({ to }) => !query.has('to') || to === query.get('to')),

  'GET /xrpc/com.atproto.identity.resolveHandle': async (network, query) => {
    const did = await network.resolveHandle(query.get('handle') ?? '')
    if (!did) throw new Refusal(400, 'HandleNotFound', 'Unable to resolve handle')
    return { did }
  },

  'GET /.well-known/atproto-did': async (network, _, request) => {
    const did = await network.resolveHandle((request.headers.host ?? '').split(':')[0])
    if (!did) throw new Refusal(404, 'NotFound', 'User not found')
    return did
  },

  'GET /xrpc/app.bsky.actor.searchActorsTypeahead': async (network, query) => {
    const limit = Number(query.get('limit') ?? 10)
    if (!(limit >= 1 && limit <= 100)) throw new Refusal(400, 'InvalidRequest', 'limit')
    return { actors: await network.accounts.search(query.get('q') ?? '', limit) }
  },

  'GET /xrpc/app.bsky.graph.getRelationships': async (network, query) => {
    const actor = query.get('actor') ?? ''
    const following = await network.accounts.follows(actor)
    if (!following) throw new Refusal(400, 'ActorNotFound', 'Profile not found')
    const relationship = (did) => ({
      $type: 'app.bsky.graph.defs#relationship',
      did,
      ...(following[did] && { following: following[did] }),
    })
    return { actor, relationships: query.getAll('others').map(relationship) }
  },

  'GET /xrpc/app.bsky.actor.getProfile': async (network, query) => {
    const profile = await network.accounts.profile(query.get('actor') ?? '')
    if (!profile) throw new Refusal(400, 'InvalidRequest', 'Profile not found')
    return profile
  },
}
