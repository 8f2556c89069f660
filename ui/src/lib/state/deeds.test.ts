import { expect, it } from 'vitest'
import { FakeBackend } from '$lib/backend/fake'
import { conversationId } from '$lib/backend/fake-data'
import { ids, message, talk } from '$lib/testing'
import { Timeline } from './timeline.svelte'

const id = conversationId(0)

async function open() {
  const backend = new FakeBackend({ seed: talk([message(1), message(2, { mine: true })]) })
  const timeline = new Timeline(backend, id, 0)
  await timeline.load()
  const [theirs, own] = timeline.messages
  if (!theirs || !own) throw new Error('two messages')
  return { backend, timeline, theirs, own }
}

it('answers a message once', async () => {
  const { timeline, theirs } = await open()
  timeline.reply(theirs)
  await timeline.send('an answer')
  expect(timeline.messages.at(-1)?.replyTo).toMatchObject({ messageId: 1, text: 'message 1' })
  expect(timeline.replying).toBeNull()
  await timeline.send('something else')
  expect(timeline.messages.at(-1)?.replyTo).toBeNull()
})

it('still answers it where sending failed', async () => {
  const { timeline, theirs, backend } = await open()
  timeline.reply(theirs)
  backend.failures.sendText = [{ code: 'database.full', detail: null }]
  await expect(timeline.send('an answer')).rejects.toMatchObject({ code: 'database.full' })
  expect(timeline.replying).toBe(theirs)
})

it('edits beside the draft, which stays', async () => {
  const { timeline, own } = await open()
  timeline.reply(own)
  timeline.edit(own)
  expect(timeline.replying).toBeNull()
  expect(timeline.editing?.draft.text).toBe('message 2')
  await timeline.rewrite('better')
  expect(timeline.editing).toBeNull()
  expect(timeline.messages[1]).toMatchObject({ id: 2, text: 'better' })
  expect(timeline.messages[1]?.editedAt).not.toBeNull()
})

it('goes on editing where that failed', async () => {
  const { timeline, own, backend } = await open()
  timeline.edit(own)
  backend.failures.editMessage = [{ code: 'database.full', detail: null }]
  await expect(timeline.rewrite('better')).rejects.toMatchObject({ code: 'database.full' })
  expect(timeline.editing?.message.id).toBe(2)
})

it('reacts, and takes it back', async () => {
  const { timeline } = await open()
  await timeline.react(1, '🌳')
  expect(timeline.messages[0]?.reactions).toEqual([{ emoji: '🌳', mine: true, peer: false }])
  await timeline.react(1, null)
  expect(timeline.messages[0]?.reactions).toEqual([])
})

it('removes here, or leaves a mark for both', async () => {
  const { timeline, own } = await open()
  timeline.edit(own)
  await timeline.remove(2, true)
  expect(timeline.editing).toBeNull()
  expect(timeline.messages[1]).toMatchObject({ deleted: true, text: null })
  await timeline.remove(1, false)
  expect(ids(timeline.messages)).toEqual([2])
})

it('says why something could not be done', async () => {
  const { timeline } = await open()
  await timeline.remove(1, true)
  expect(timeline.error?.code).toBe('message.not_yours')
  expect(ids(timeline.messages)).toEqual([1, 2])
})
