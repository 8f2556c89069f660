import { expect, it } from 'vitest'
import { FakeBackend } from '$lib/backend/fake'
import { conversationId } from '$lib/backend/fake-data'
import { ids, messages, talk } from '$lib/testing'
import { PAGE } from './passage.svelte'
import { Timeline } from './timeline.svelte'

const id = conversationId(0)

async function open(count: number) {
  const backend = new FakeBackend({ seed: talk(messages(1, count)) })
  const timeline = new Timeline(backend, id, 0)
  await timeline.load()
  return { backend, timeline }
}

it('jumps into the past and goes on in both directions without a gap', async () => {
  const { timeline } = await open(400)
  await timeline.jump(100)
  expect(timeline.target).toEqual({ id: 100 })
  expect(ids(timeline.messages)).toEqual(ids(messages(75, 124)))
  expect([timeline.hasOlder, timeline.hasNewer]).toEqual([true, true])
  await timeline.loadNewer()
  await timeline.loadOlder()
  expect(ids(timeline.messages)).toEqual(ids(messages(25, 174)))
  while (timeline.hasNewer) await timeline.loadNewer()
  while (timeline.hasOlder) await timeline.loadOlder()
  expect(ids(timeline.messages)).toEqual(ids(messages(1, 400)))
})

it('reads nothing for a message that is shown already', async () => {
  const { backend, timeline } = await open(60)
  backend.calls = []
  await timeline.jump(50)
  expect(backend.calls).toEqual([])
  expect(timeline.hasNewer).toBe(false)
})

it('counts what arrives far below, and shows it when one goes there', async () => {
  const { backend, timeline } = await open(400)
  await timeline.jump(100)
  timeline.watch(false, true)
  const { id: arrived } = backend.receive(id, 'far below')
  await timeline.changed([arrived])
  expect(timeline.unseen).toBe(1)
  expect(ids(timeline.messages)).toEqual(ids(messages(75, 124)))
  await timeline.resync()
  expect(ids(timeline.messages)).toEqual(ids(messages(75, 124)))
  await timeline.toNewest()
  expect(timeline.messages.at(-1)?.id).toBe(arrived)
  expect([timeline.messages.length, timeline.hasNewer]).toEqual([PAGE, false])
})

it('shows what was sent from the past at the end', async () => {
  const { timeline } = await open(400)
  await timeline.jump(100)
  await timeline.send('an answer')
  expect(timeline.messages.at(-1)?.text).toBe('an answer')
  expect(timeline.hasNewer).toBe(false)
})
