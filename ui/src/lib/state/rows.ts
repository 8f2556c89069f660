import { localDay } from '$lib/format'
import type { MessageView } from '$lib/generated/MessageView'

const TOGETHER = 5 * 60_000

export type Row = {
  message: MessageView
  /** The first of its day. */
  day: boolean
  /** The first of what was not read yet. */
  unread: boolean
  /** The first and the last of what one person said in one go. */
  opens: boolean
  closes: boolean
}

export function rows(messages: MessageView[], firstUnread: number | null): Row[] {
  return messages.map((message, index) => {
    const before = messages[index - 1]
    const after = messages[index + 1]
    return {
      message,
      day: !before || localDay(before.sentAt) !== localDay(message.sentAt),
      unread: message.id === firstUnread,
      opens: !before || message.id === firstUnread || !together(before, message),
      closes: !after || after.id === firstUnread || !together(message, after),
    }
  })
}

function together(a: MessageView, b: MessageView): boolean {
  return (
    a.mine === b.mine &&
    a.notice === null &&
    b.notice === null &&
    Math.abs(b.sentAt - a.sentAt) < TOGETHER &&
    localDay(a.sentAt) === localDay(b.sentAt)
  )
}
