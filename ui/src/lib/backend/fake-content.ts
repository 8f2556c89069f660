import type { EditView } from '$lib/generated/EditView'
import type { MessageView } from '$lib/generated/MessageView'
import type { ReceiptsView } from '$lib/generated/ReceiptsView'

/** What the fake knows of messages beside what they show. */
export class FakeContent {
  receipts: ReceiptsView = { read: true, typing: false }
  #edits = new Map<number, EditView[]>()

  react(message: MessageView, emoji: string | null): void {
    const others = message.reactions
      .map((it) => ({ ...it, mine: false }))
      .filter(({ peer, emoji: other }) => peer && other !== emoji)
    const peer = message.reactions.some((it) => it.peer && it.emoji === emoji)
    message.reactions = emoji === null ? others : [...others, { emoji, mine: true, peer }]
  }

  edit(message: MessageView, text: string): void {
    const before = { at: message.editedAt ?? message.sentAt, text: message.text }
    this.#edits.set(message.id, [...this.edits(message.id), before])
    message.text = text
    message.editedAt = Date.now()
  }

  edits(messageId: number): EditView[] {
    return this.#edits.get(messageId) ?? []
  }

  erase(message: MessageView): void {
    this.#edits.delete(message.id)
    message.text = null
    message.deleted = true
    message.reactions = []
    message.editedAt = null
    message.replyTo = null
  }
}
