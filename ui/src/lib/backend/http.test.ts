import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { AppEvent } from '$lib/generated/AppEvent'
import { httpBackend } from './http'

class Socket {
  static all: Socket[] = []
  onopen?: () => void
  onclose?: () => void
  onmessage?: (message: { data: string }) => void
  constructor(readonly url: string) {
    Socket.all.push(this)
  }
  close() {}
}

const backend = httpBackend('http://127.0.0.1:9')
const answer = vi.fn<typeof fetch>()

beforeEach(() => {
  Socket.all = []
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', Socket)
  vi.stubGlobal('fetch', answer)
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

it('posts the arguments to the command', async () => {
  answer.mockResolvedValue(Response.json([]))
  await backend.messages('c', null, 50)
  const [url, init] = answer.mock.lastCall ?? []
  expect(url).toBe('http://127.0.0.1:9/api/messages')
  expect(JSON.parse(String(init?.body))).toEqual({ conversationId: 'c', before: null, limit: 50 })
})

it('answers null where the core does', async () => {
  answer.mockResolvedValue(Response.json(null))
  await expect(backend.markRead('c')).resolves.toBeNull()
})

it('rejects with the error of the core', async () => {
  const error = { code: 'account.self', detail: null }
  answer.mockResolvedValue(Response.json(error, { status: 400 }))
  await expect(backend.startConversation('me.example.com')).rejects.toEqual(error)
})

it('says when nobody answers', async () => {
  answer.mockRejectedValueOnce(new TypeError('failed'))
  await expect(backend.state()).rejects.toMatchObject({ code: 'core.unreachable' })
  answer.mockResolvedValueOnce(new Response('bad gateway', { status: 502 }))
  await expect(backend.state()).rejects.toMatchObject({ code: 'core.unreachable' })
})

it('reconnects, ever more slowly, and treats what it missed as overflow', () => {
  const events: AppEvent[] = []
  const links: boolean[] = []
  const stop = backend.listen({ event: (e) => events.push(e), link: (up) => links.push(up) })
  expect(Socket.all[0]?.url).toBe('ws://127.0.0.1:9/api/events')
  Socket.all[0]?.onopen?.()
  Socket.all[0]?.onmessage?.({ data: '{"kind":"connection"}' })
  Socket.all[0]?.onclose?.()
  vi.advanceTimersByTime(250)
  Socket.all[1]?.onclose?.()
  vi.advanceTimersByTime(250)
  expect(Socket.all).toHaveLength(2)
  vi.advanceTimersByTime(250)
  Socket.all[2]?.onopen?.()
  expect(links).toEqual([true, false, false, true])
  expect(events.map(({ kind }) => kind)).toEqual(['overflowed', 'connection', 'overflowed'])
  stop()
  Socket.all[2]?.onclose?.()
  vi.advanceTimersByTime(60_000)
  expect(Socket.all).toHaveLength(3)
})
