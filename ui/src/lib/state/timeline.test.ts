import { describe, expect, it } from 'vitest'
import { FakeBackend } from '$lib/backend/fake'
import { conversationId } from '$lib/backend/fake-data'
import { ids, message, messages, talk } from '$lib/testing'
import { PAGE } from './passage.svelte'
import { Timeline } from './timeline.svelte'

const id = conversationId(0)

async function open(count: number, unread = 0) {
  const list = messages(1, count)
  const backend = new FakeBackend({ seed: talk(list, unread) })
  const timeline = new Timeline(backend, id, unread)
  backend.listen({
    event: (event) => event.kind === 'messages' && void timeline.changed(event.ids),
    link: () => undefined,
  })
  await timeline.load()
  return { backend, timeline, list }
}

describe('reading', () => {
  it('shows the newest page and says that there is more', async () => {
    const { timeline } = await open(PAGE + 10)
    expect(timeline.messages).toHaveLength(PAGE)
    expect(timeline.messages.at(-1)?.id).toBe(PAGE + 10)
    expect(timeline.hasOlder).toBe(true)
  })

  it('puts older messages in front, and stops at the beginning', async () => {
    const { timeline } = await open(PAGE + 10)
    await timeline.loadOlder()
    expect(ids(timeline.messages)).toEqual(ids(messages(1, PAGE + 10)))
    expect(timeline.prepended).toBe(true)
    expect(timeline.hasOlder).toBe(false)
  })

  it('keeps older pages, and that they were all, when something new arrives', async () => {
    const { timeline, backend } = await open(PAGE + 10)
    await timeline.loadOlder()
    backend.receive(id, 'hello')
    await timeline.changed([])
    expect(timeline.messages).toHaveLength(PAGE + 11)
    expect(timeline.messages.at(-1)?.text).toBe('hello')
    expect(timeline.prepended).toBe(false)
    expect(timeline.hasOlder).toBe(false)
  })

  it('fills a gap of more than a page', async () => {
    const { timeline, list } = await open(PAGE + 10)
    list.push(...messages(PAGE + 11, 3 * PAGE))
    await timeline.changed([3 * PAGE])
    expect(ids(timeline.messages)).toEqual(ids(messages(11, 3 * PAGE)))
  })

  it('starts anew at the end when the gap is too long', async () => {
    const { timeline, list } = await open(PAGE + 10)
    list.push(...messages(PAGE + 11, 20 * PAGE))
    await timeline.resync()
    expect(timeline.messages.at(-1)?.id).toBe(20 * PAGE)
    expect(timeline.hasOlder).toBe(true)
  })

  it('says what failed, and recovers', async () => {
    const { timeline, backend, list } = await open(3)
    backend.failures.messages = [{ code: 'database.locked', detail: null }]
    list.push(message(4))
    await timeline.changed([4])
    expect(timeline.error?.code).toBe('database.locked')
    await timeline.resync()
    expect(timeline.error).toBeNull()
    expect(timeline.messages).toHaveLength(4)
  })
})

describe('changes', () => {
  it('reads one that is shown by its id, without a page', async () => {
    const { timeline, backend, list } = await open(3)
    backend.calls = []
    list[1] = message(2, { text: 'edited' })
    await timeline.changed([2])
    expect(timeline.messages[1]?.text).toBe('edited')
    expect(backend.calls).toEqual(['messagesById 2'])
  })

  it('refreshes older states after missed events', async () => {
    const { timeline, list } = await open(PAGE + 10)
    await timeline.loadOlder()
    list[0] = message(1, { text: 'changed meanwhile' })
    await timeline.resync()
    expect(timeline.messages[0]?.text).toBe('changed meanwhile')
  })
})

describe('sending', () => {
  it('shows the message once, whatever comes first', async () => {
    const { timeline } = await open(2)
    await timeline.send('hi')
    await timeline.changed([])
    expect(timeline.messages.map(({ text }) => text)).toEqual(['message 1', 'message 2', 'hi'])
    expect(timeline.sent).toBe(1)
  })

  it('hands a failure to the one who wrote', async () => {
    const { timeline, backend } = await open(1)
    backend.failures.sendText = [{ code: 'database.full', detail: null }]
    await expect(timeline.send('hi')).rejects.toMatchObject({ code: 'database.full' })
    expect(timeline.messages).toHaveLength(1)
  })

  it('retries, and says when that fails', async () => {
    const { timeline, backend, list } = await open(1)
    list[0] = message(1, { mine: true, state: 'failed' })
    await timeline.retry(1)
    expect(timeline.messages[0]?.state).toBe('sending')
    backend.failures.retry = [{ code: 'offline', detail: null }]
    await timeline.retry(1)
    expect(timeline.error?.code).toBe('offline')
  })
})

describe('unread', () => {
  it('marks where the unread ones begin', async () => {
    const { timeline } = await open(5, 2)
    expect(timeline.firstUnread).toBe(4)
  })

  it('counts what arrives out of sight, until it is seen', async () => {
    const { timeline, backend } = await open(5)
    timeline.watch(false, true)
    const { id: first } = backend.receive(id, 'one')
    backend.receive(id, 'two')
    await timeline.changed([])
    expect(timeline.unseen).toBe(2)
    expect(timeline.firstUnread).toBe(first)
    timeline.watch(true, true)
    expect(timeline.unseen).toBe(0)
  })

  it('marks nothing while someone is looking', async () => {
    const { timeline, backend } = await open(5)
    timeline.watch(true, true)
    backend.receive(id, 'one')
    await timeline.changed([])
    expect(timeline.firstUnread).toBeNull()
    expect(timeline.arrived?.text).toBe('one')
  })
})

it('changes nothing any more once closed', async () => {
  const { timeline, backend } = await open(1)
  timeline.close()
  backend.receive(id, 'late')
  await timeline.resync()
  expect(timeline.messages).toHaveLength(1)
})
