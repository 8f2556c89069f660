import { expect, it } from 'vitest'
import { conversationId } from '$lib/backend/fake-data'
import { message, settled, startApp } from '$lib/testing'
import { messages, talk } from '$lib/testing'

const id = conversationId(0)

it('loads the conversations once signed in', async () => {
  const { app } = await startApp()
  expect(app.conversations.list).toHaveLength(1)
  expect(app.connection.state).toBe('online')
})

it('asks for nothing while signed out', async () => {
  const { backend } = await startApp({ state: { kind: 'signedOut' } })
  backend.emit({ kind: 'conversations', ids: [id] })
  await settled()
  expect(backend.calls).toEqual(['state'])
})

it('shows what arrives in the open conversation', async () => {
  const { app, backend } = await startApp()
  app.select(id)
  backend.receive(id, 'hello')
  await settled()
  expect(app.timeline?.messages.at(-1)?.text).toBe('hello')
  expect(app.selected?.preview).toBe('hello')
})

it('re-reads everything visible after missed events', async () => {
  const list = messages(1, 3)
  const { app, backend } = await startApp({ seed: talk(list) })
  app.select(id)
  await settled()
  list[0] = message(1, { text: 'edited' })
  list.push(message(4))
  backend.emit({ kind: 'overflowed' })
  await settled()
  expect(app.timeline?.messages.map(({ text }) => text)).toEqual([
    'edited',
    'message 2',
    'message 3',
    'message 4',
  ])
})

it('is offline when the core itself is gone', async () => {
  const { app, backend } = await startApp()
  backend.link(false)
  expect(app.connection.state).toBe('offline')
  expect(app.connection.error?.code).toBe('core.unreachable')
  backend.link(true)
  expect(app.connection.state).toBe('online')
})

it('forgets everything on sign-out', async () => {
  const { app } = await startApp()
  app.select(id)
  app.draft(id).text = 'secret'
  await app.session.signOut()
  await settled()
  expect(app.timeline).toBeNull()
  expect(app.conversations.list).toEqual([])
  expect(app.draft(id).text).toBe('')
})

it('keeps a draft while another conversation is open', async () => {
  const { app } = await startApp()
  app.draft(id).text = 'half a sent'
  app.select(conversationId(3))
  expect(app.draft(id).text).toBe('half a sent')
})

it('opens web pages only', async () => {
  const { app, backend } = await startApp({ state: { kind: 'signedOut' } })
  backend.emit({ kind: 'openUrl', url: 'javascript:alert(1)' })
  expect(app.session.openUrl).toBeNull()
})
