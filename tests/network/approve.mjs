#!/usr/bin/env node
// A user without a browser: opens a PDS's OAuth page, signs in, consents. See README.md.

import http from 'node:http'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

export class Refused extends Error {}

// The requests the PDS's page makes in a browser, with the headers by which the PDS recognises a
// browser. `fetch` does not let anyone set those.
class Page {
  #url
  #cookies = new Map()

  constructor(url) {
    this.#url = new URL(url)
  }

  async open() {
    const response = await this.#navigate(this.#url, { 'sec-fetch-site': 'none' })
    if (response.status !== 200) throw new Error(`The page answered ${response.status}`)
  }

  // Where the browser is sent once the page has decided.
  async leave(url) {
    const headers = { 'sec-fetch-site': 'same-origin', referer: this.#url.href }
    const { status, location } = await this.#navigate(new URL(url, this.#url), headers)
    if (!location) throw new Error(`No way back to the application (${status})`)
    return location
  }

  async call(endpoint, input, bearer) {
    const url = new URL(`/@atproto/oauth-provider/~api/${endpoint}`, this.#url)
    const { status, text } = await this.#request(
      'POST',
      url,
      {
        'content-type': 'application/json',
        'x-csrf-token': this.#cookies.get('csrf-token'),
        origin: this.#url.origin,
        referer: this.#url.href,
        'sec-fetch-site': 'same-origin',
        'sec-fetch-mode': 'same-origin',
        'sec-fetch-dest': 'empty',
        ...(bearer && { authorization: `Bearer ${bearer}` }),
      },
      JSON.stringify(input),
    )
    if (status === 200) return JSON.parse(text)
    throw new Refused(`${endpoint}: ${status} ${text}`)
  }

  #navigate(url, headers) {
    const navigation = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    return this.#request('GET', url, { ...navigation, ...headers })
  }

  async #request(method, url, headers, body) {
    const cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ')
    const always = { 'user-agent': 'approve', 'accept-language': 'en', ...(cookie && { cookie }) }
    const response = await new Promise((resolve, reject) => {
      // family 4: the network listens on 127.0.0.1 only, and `localhost` may mean ::1 first.
      const options = { method, family: 4, headers: { ...always, ...headers } }
      http.request(url, options, resolve).on('error', reject).end(body)
    })
    for (const line of response.headers['set-cookie'] ?? []) {
      const [name, value] = line.split(';')[0].split('=')
      this.#cookies.set(name, value)
    }
    let text = ''
    for await (const piece of response.setEncoding('utf8')) text += piece
    return { status: response.statusCode, location: response.headers.location, text }
  }
}

// Resolves to the callback URL the browser would be sent to.
export async function approve(authorizeUrl, username, password, { deny = false } = {}) {
  const page = new Page(authorizeUrl)
  await page.open()
  if (deny) return page.leave((await page.call('reject', {})).url)
  const credentials = { username, password, locale: 'en', remember: false }
  const { account, ephemeralToken } = await page.call('sign-in', credentials)
  const { url } = await page.call('consent', { did: account.did }, ephemeralToken)
  return page.leave(url)
}

async function main() {
  const { values: flags, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      deny: { type: 'boolean' },
      'wrong-password': { type: 'boolean' },
      follow: { type: 'boolean' },
    },
  })
  const [url, user, password] = positionals
  if (positionals.length !== 3) throw new Error('usage: approve.mjs AUTHORIZE_URL USER PASSWORD')
  const typed = flags['wrong-password'] ? `not-${password}` : password
  const callback = await approve(url, user, typed, flags)
  process.stdout.write(callback + '\n')
  if (!flags.follow) return
  const { status } = await fetch(callback)
  if (status >= 400) throw new Error(`The application answered ${status} to its callback`)
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().catch((error) => {
    process.stderr.write(error.message + '\n')
    process.exitCode = error instanceof Refused ? 3 : 1
  })
}
