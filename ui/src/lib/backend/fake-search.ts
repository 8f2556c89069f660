import type { MarkView } from '$lib/generated/MarkView'
import type { MessageView } from '$lib/generated/MessageView'
import type { SearchView } from '$lib/generated/SearchView'

/** Every word must begin a word of the message, and the text is its own snippet. */
export function searched(
  messages: MessageView[],
  query: string,
  before: number | null,
  limit: number,
): SearchView {
  const words = query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  const found = words.length === 0 ? [] : messages.filter(({ text }) => text && holds(text, words))
  const newest = found
    .filter(({ id }) => before === null || id < before)
    .toSorted((a, b) => b.id - a.id)
  const hits = newest.slice(0, limit).map(({ id, conversationId, mine, sentAt, text }) => {
    const snippet = text ?? ''
    return { messageId: id, conversationId, mine, sentAt, snippet, marks: marks(snippet, words) }
  })
  return { hits, more: newest.length > limit ? (hits.at(-1)?.messageId ?? null) : null }
}

function holds(text: string, words: string[]): boolean {
  const said = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  return words.every((word) => said.some((one) => one.startsWith(word)))
}

function marks(text: string, words: string[]): MarkView[] {
  return [...text.matchAll(/[\p{L}\p{N}]+/gu)]
    .filter(([one]) => words.some((word) => one.toLowerCase().startsWith(word)))
    .map(({ index, 0: one }) => ({ start: index, end: index + one.length }))
}
