import type { AppEvent } from '$lib/generated/AppEvent'
import type { ErrorView } from '$lib/generated/ErrorView'
import type { MessageView } from '$lib/generated/MessageView'
import type { Backend, Listener } from './backend'
import { commands } from './commands'

const FIRST_DELAY = 250
const LAST_DELAY = 8_000

export function httpBackend(origin: string = location.origin): Backend {
  return {
    ...commands((command, args) => post(`${origin}/api/${command}`, args ?? {})),
    attachFile: (conversationId, caption) => attachFile(origin, conversationId, caption),
    saveAttachment: (messageId, index, name) => saveAttachment(origin, { messageId, index }, name),
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
  return answered(response)
}

async function answered(response: Response): Promise<unknown> {
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok && body !== undefined) return body
  // A proxy in between answers without an ErrorView when the devshell is gone.
  throw isErrorView(body) ? body : unreachable(`HTTP ${response.status}`)
}

/** What the window does with a dialog of the system. */
function chooseFile(): Promise<File | null> {
  const input = document.createElement('input')
  input.type = 'file'
  input.hidden = true
  input.dataset['testid'] = 'file-input'
  document.body.append(input)
  return new Promise<File | null>((done) => {
    input.onchange = () => done(input.files?.[0] ?? null)
    input.oncancel = () => done(null)
    input.click()
  }).finally(() => input.remove())
}

async function attachFile(
  origin: string,
  conversationId: string,
  caption: string,
): Promise<MessageView | null> {
  const file = await chooseFile()
  if (!file) return null
  const query = new URLSearchParams({ conversationId, name: file.name, caption })
  const response = await fetch(`${origin}/api/attach_file?${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: file,
  }).catch(() => null)
  if (!response) throw unreachable(null)
  return (await answered(response)) as MessageView
}

async function saveAttachment(
  origin: string,
  args: Record<string, unknown>,
  name: string,
): Promise<boolean> {
  const response = await fetch(`${origin}/api/save_attachment`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(args),
  }).catch(() => null)
  if (!response) throw unreachable(null)
  if (!response.ok) await answered(response)
  const link = document.createElement('a')
  link.href = URL.createObjectURL(await response.blob())
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
  return true
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
