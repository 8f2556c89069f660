import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { FakeBackend } from '$lib/backend/fake'
import { conversationId } from '$lib/backend/fake-data'
import { messages, talk } from '$lib/testing'
import { Search } from './search.svelte'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function open() {
  const backend = new FakeBackend({ seed: talk(messages(1, 100)) })
  return { backend, search: new Search(backend) }
}

async function type(search: Search, text: string) {
  search.text = text
  search.typed()
  await vi.advanceTimersByTimeAsync(200)
}

it('asks once for what is typed in one go, and shows the newest first', async () => {
  const { backend, search } = open()
  for (const text of ['m', 'me', 'mes']) {
    search.text = text
    search.typed()
  }
  await vi.advanceTimersByTimeAsync(200)
  expect(backend.calls).toEqual(['search mes'])
  expect(search.settled).toBe(true)
  expect(search.chosen?.messageId).toBe(100)
  expect(search.hits[0]?.marks).toEqual([{ start: 0, end: 7 }])
})

it('goes on where the answer before ended, and stops at the end', async () => {
  const { search } = open()
  await type(search, 'message')
  for (let n = 0; n < 5; n++) await search.further()
  expect(search.hits).toHaveLength(100)
  expect(search.hits.at(-1)?.messageId).toBe(1)
})

it('covers a newer answer by no older one', async () => {
  const { backend, search } = open()
  let late: (() => void) | undefined
  const real = backend.search.bind(backend)
  vi.spyOn(backend, 'search').mockImplementationOnce(async (...args) => {
    await new Promise<void>((done) => (late = done))
    return real(...args)
  })
  await type(search, 'message 7')
  await type(search, 'message 42')
  late?.()
  await vi.advanceTimersByTimeAsync(200)
  expect(search.hits.map(({ messageId }) => messageId)).toEqual([42])
})

it('looks in one conversation, walks through the hits, and ends empty', async () => {
  const { backend, search } = open()
  search.call(conversationId(0))
  await type(search, 'message 4')
  search.move(1)
  expect(search.active).toBe(1)
  search.move(-1)
  search.move(-1)
  expect(search.active).toBe(0)
  search.clear()
  expect([search.open, search.hits, search.within]).toEqual([false, [], null])
  expect(backend.calls).toEqual(['search message 4'])
})
