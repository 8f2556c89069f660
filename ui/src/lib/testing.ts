import { App } from '$lib/state/app.svelte'
import { FakeBackend, type FakeOptions } from '$lib/backend/fake'
import { conversationId, nothingMore, peer, summary, type Seed } from '$lib/backend/fake-data'
import type { MessageView } from '$lib/generated/MessageView'
import type { PeerView } from '$lib/generated/PeerView'
import type { Deeds } from '$lib/state/timeline.svelte'

export const bob: PeerView = peer('Bob', 'bob.example.com', 'anchored')

export function message(id: number, more: Partial<MessageView> = {}): MessageView {
  const mine = more.mine ?? false
  return {
    id,
    conversationId: conversationId(0),
    mine,
    text: `message ${id}`,
    sentAt: Date.UTC(2025, 4, 6, 12) + id * 1000,
    state: mine ? 'sent' : 'received',
    error: null,
    ...nothingMore(),
    ...more,
  }
}

export function messages(from: number, to: number): MessageView[] {
  return Array.from({ length: to - from + 1 }, (_, index) => message(from + index))
}

export function ids(list: { id: number }[]): number[] {
  return list.map(({ id }) => id)
}

/** One conversation, with Bob. */
export function talk(list: MessageView[], unread = 0): Seed {
  const id = conversationId(0)
  return {
    conversations: [summary({ id, peer: bob, unread, hold: null, draft: null }, list)],
    messages: new Map([[id, list]]),
  }
}

export const noDeeds: Deeds = {
  reply: () => {},
  edit: () => {},
  react: () => {},
  remove: () => {},
  jump: () => {},
  history: () => {},
}

/** The timers of the fake are off, and every answer comes within one turn of the event loop. */
export function settled(): Promise<void> {
  return new Promise((done) => setTimeout(done, 5))
}

export async function startApp(options: FakeOptions = {}) {
  const backend = new FakeBackend({ seed: talk(messages(1, 3)), ...options })
  const app = new App(backend)
  const stop = app.start()
  await settled()
  return { app, backend, stop }
}
