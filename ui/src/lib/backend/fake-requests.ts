import type { ConversationView } from '$lib/generated/ConversationView'
import type { MessageView } from '$lib/generated/MessageView'
import type { RequestView } from '$lib/generated/RequestView'
import type { RequestsView } from '$lib/generated/RequestsView'
import { conversationId, peer, nothingMore, summary } from './fake-data'

const MINUTE = 60_000

function request(
  index: number,
  handle: string,
  minutesAgo: number,
  texts: (string | null)[],
  now: number,
): RequestView {
  const since = now - minutesAgo * MINUTE
  return {
    id: conversationId(900 + index),
    peer: peer(null, handle, index === 0 ? 'anchored' : 'vended'),
    messages: texts.map((text, n) => ({ text, at: since + n * MINUTE })),
    since,
  }
}

export function demoRequests(now: number): RequestsView {
  return {
    requests: [
      request(
        0,
        'clara.weiss.at',
        12,
        [
          'Hello! We sat next to each other at the chamber concert in Linz.',
          'You asked for the name of the luthier: it is Anna Moser, in the Hofgasse.',
        ],
        now,
      ),
      request(1, 'prize-desk-4471.bsky.social', 26 * 60, ['You have been selected!!!', null], now),
    ],
    dropped: 3,
  }
}

/** The conversation that an accepted request becomes. */
export function accepted(
  { id, peer, messages }: RequestView,
  firstId: number,
): { view: ConversationView; messages: MessageView[] } {
  const received = messages.map(({ text, at }, index): MessageView => {
    const state = 'received'
    return {
      id: firstId + index,
      conversationId: id,
      mine: false,
      text,
      sentAt: at,
      state,
      error: null,
      ...nothingMore(),
    }
  })
  const view = summary({ id, peer, unread: received.length, hold: null, draft: null }, received)
  return { view, messages: received }
}
