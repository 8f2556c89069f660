import type { AppEvent } from '$lib/generated/AppEvent'
import type { ErrorView } from '$lib/generated/ErrorView'
import type { Backend, Listener } from './backend'
import { commands } from './commands'

const FIRST_DELAY = 250
const LAST_DELAY = 8_000

export function httpBackend(origin: string = location.origin): Backend {
  return {
    ...commands((command, args) => post(`${origin}/api/${command}`, args ?? {})),
    listen: (listener) => subscribe(origin.replace(/^http/, 'ws') + '/api/events', listener),
  }
}

async function post(url: string, args: Record<string, unknown>): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(args),
    })
  } catch {
    throw unreachable(null)
  }
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok && body !== undefined) return body
  // A proxy in between answers without an ErrorView when the devshell is gone.
  throw isErrorView(body) ? body : unreachable(`HTTP ${response.status}`)
}

function isErrorView(body: unknown): body is ErrorView {
  return typeof body === 'object' && body !== null && 'code' in body
}

function unreachable(detail: string | null): ErrorView {
  return { code: 'core.unreachable', detail }
}

function subscribe(url: string, { event, link }: Listener): () => void {
  let stopped = false
  let delay = FIRST_DELAY
  let timer: ReturnType<typeof setTimeout> | undefined
  let socket: WebSocket

  const connect = () => {
    socket = new WebSocket(url)
    socket.onopen = () => {
      delay = FIRST_DELAY
      link(true)
      // Also the first time: what changed before the socket opened was not heard.
      event({ kind: 'overflowed' })
    }
    socket.onmessage = ({ data }) => event(JSON.parse(String(data)) as AppEvent)
    socket.onclose = () => {
      if (stopped) return
      link(false)
      timer = setTimeout(connect, delay)
      delay = Math.min(delay * 2, LAST_DELAY)
    }
  }
  connect()

  return () => {
    stopped = true
    clearTimeout(timer)
    socket.close()
  }
}
