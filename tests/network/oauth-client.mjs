// The least an OAuth client must do to sign in at a PDS: for the tests of approve.mjs.

import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

const base64url = (value) => Buffer.from(value).toString('base64url')
const segment = (value) => base64url(JSON.stringify(value))
const random = () => randomBytes(32).toString('base64url')

export class OAuthClient {
  #key = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  #verifier = random()
  #nonce
  #pds
  #redirect
  #clientId
  state = random()

  constructor({ pds, redirect, scope }) {
    this.#pds = pds
    this.#redirect = redirect
    this.scope = scope
    // A loopback client has no metadata document: its address says it all.
    this.#clientId = `http://localhost?${new URLSearchParams({ redirect_uri: redirect, scope })}`
  }

  // Resolves to the page the user is sent to.
  async start() {
    const { request_uri } = await this.#post('/oauth/par', {
      client_id: this.#clientId,
      response_type: 'code',
      redirect_uri: this.#redirect,
      scope: this.scope,
      state: this.state,
      code_challenge: createHash('sha256').update(this.#verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    const query = new URLSearchParams({ client_id: this.#clientId, request_uri })
    return `${this.#pds}/oauth/authorize?${query}`
  }

  finish(callback) {
    return this.#post('/oauth/token', {
      client_id: this.#clientId,
      grant_type: 'authorization_code',
      redirect_uri: this.#redirect,
      code: new URL(callback).searchParams.get('code'),
      code_verifier: this.#verifier,
    })
  }

  call(token, method, input) {
    const url = `${this.#pds}/xrpc/${method}`
    const headers = { authorization: `DPoP ${token}`, 'content-type': 'application/json' }
    return this.#send('POST', url, headers, JSON.stringify(input), token)
  }

  #post(route, form) {
    return this.#send('POST', this.#pds + route, {}, new URLSearchParams(form))
  }

  // A server may answer "take this nonce" once; then the same request is made again with it.
  async #send(method, url, headers, body, token) {
    for (const last of [false, true]) {
      const dpop = this.#proof(method, url, token)
      const response = await fetch(url, { method, headers: { ...headers, dpop }, body })
      this.#nonce = response.headers.get('dpop-nonce') ?? this.#nonce
      const answer = await response.json()
      if (response.ok) return answer
      if (last || answer.error !== 'use_dpop_nonce') throw new Error(JSON.stringify(answer))
    }
  }

  #proof(htm, htu, token) {
    const { kty, crv, x, y } = this.#key.publicKey.export({ format: 'jwk' })
    const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } }
    const payload = {
      htm,
      htu,
      jti: random(),
      iat: Math.floor(Date.now() / 1000),
      nonce: this.#nonce,
      ath: token && createHash('sha256').update(token).digest('base64url'),
    }
    const signed = `${segment(header)}.${segment(payload)}`
    const options = { key: this.#key.privateKey, dsaEncoding: 'ieee-p1363' }
    return `${signed}.${base64url(sign('sha256', Buffer.from(signed), options))}`
  }
}
