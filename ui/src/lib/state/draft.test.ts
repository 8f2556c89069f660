import { expect, it } from 'vitest'
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
