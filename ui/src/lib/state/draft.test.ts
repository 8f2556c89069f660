import { expect, it, vi } from 'vitest'
import { Draft } from './draft.svelte'

it('gives the text back when sending fails, in front of what was typed since', async () => {
  const draft = new Draft()
  draft.text = 'first'
  const sending = draft.send(() => Promise.reject({ code: 'database.full', detail: null }))
  expect(draft.text).toBe('')
  draft.text = 'second'
  await sending
  expect(draft.text).toBe('first\nsecond')
  expect(draft.error?.code).toBe('database.full')
})

it('sends neither nothing nor too much', () => {
  const draft = new Draft()
  draft.text = ' \n '
  expect(draft.sendable).toBe(false)
  draft.text = 'é'.repeat(8_192)
  expect([draft.sendable, draft.left]).toEqual([true, 0])
  draft.text += 'x'
  expect([draft.sendable, draft.left]).toEqual([false, -1])
})

it('is kept a moment after the last key, once, and not after it was sent', async () => {
  vi.useFakeTimers()
  const saved: string[] = []
  const draft = new Draft('begun', async (text) => saved.push(text))
  expect(draft.text).toBe('begun')
  for (const text of ['begun a', 'begun al']) {
    draft.text = text
    draft.typed()
  }
  await vi.advanceTimersByTimeAsync(1_000)
  expect(saved).toEqual(['begun al'])
  draft.keep()
  draft.text = 'begun all'
  draft.typed()
  await draft.send(async () => undefined)
  await vi.advanceTimersByTimeAsync(1_000)
  draft.keep()
  expect(saved).toEqual(['begun al'])
  vi.useRealTimers()
})

it('is sent only when a save under way has ended, and is kept again when that fails', async () => {
  vi.useFakeTimers()
  const order: string[] = []
  const draft = new Draft('', async (text) => {
    await new Promise((done) => setTimeout(done, 100))
    order.push(`saved ${text}`)
  })
  draft.text = 'one'
  draft.keep()
  const sending = draft.send(async () => {
    order.push('sent')
    throw { code: 'database.full', detail: null }
  })
  await vi.advanceTimersByTimeAsync(100)
  await sending
  expect(order).toEqual(['saved one', 'sent'])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(order.at(-1)).toBe('saved one')
  expect(order).toHaveLength(3)
  vi.useRealTimers()
})
