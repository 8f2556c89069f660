import { expect, it } from 'vitest'
import { FakeBackend } from '$lib/backend/fake'
import { conversationId } from '$lib/backend/fake-data'
import { Conversations } from './conversations.svelte'

async function open() {
  const backend = new FakeBackend()
  const conversations = new Conversations(backend)
  await conversations.refresh()
  return { backend, conversations }
}

it('moves a conversation up when something arrives in it', async () => {
  const { backend, conversations } = await open()
  const last = conversations.list.at(-1)
  expect(last).toBeDefined()
  if (!last) return
  backend.receive(last.id, 'I am back')
  await conversations.changed([last.id])
  // The one above has no message yet.
  expect(conversations.list[1]).toMatchObject({ id: last.id, preview: 'I am back', unread: 1 })
})

it('reads only what changed', async () => {
  const { backend, conversations } = await open()
  backend.calls = []
  await conversations.changed([conversationId(2)])
  expect(backend.calls).toEqual([`conversation ${conversationId(2)}`])
})

it('reads everything when much changed', async () => {
  const { backend, conversations } = await open()
  backend.calls = []
  await conversations.changed(Array.from({ length: 40 }, (_, index) => conversationId(index)))
  expect(backend.calls).toEqual(['conversations'])
})

it('sums up what is unread', async () => {
  expect((await open()).conversations.unread).toBe(2)
})

it('shows a second start of the same conversation once', async () => {
  const { conversations } = await open()
  const before = conversations.list.length
  await conversations.start('mara.lindqvist.se')
  expect(conversations.list).toHaveLength(before)
})

it('shows nothing of the account before', async () => {
  const { conversations } = await open()
  const reading = conversations.refresh()
  conversations.clear()
  await reading
  expect(conversations.list).toEqual([])
})
