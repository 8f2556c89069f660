import { asErrorView } from '$lib/errors'
import type { MessageView } from '$lib/generated/MessageView'
import { Draft } from './draft.svelte'
import { Passage } from './passage.svelte'

/** What can be done with a message. */
export type Deeds = {
  reply: (message: MessageView) => void
  edit: (message: MessageView) => void
  react: (messageId: number, emoji: string | null) => void
  remove: (messageId: number, forEveryone: boolean) => void
  jump: (messageId: number) => void
  /** Shows what it said before it was edited. */
  history: (messageId: number) => void
}

/** The open conversation: what is shown of it, and what the user does in it. */
export class Timeline extends Passage {
  /** Grows with every message sent from here: the view then goes to the end. */
  sent = $state(0)
  /** The message whose earlier texts are looked at. */
  history = $state<number | null>(null)
  /** The message that the next text answers. */
  replying = $state.raw<MessageView | null>(null)
  /** The message that is getting another text, and that text. */
  editing = $state.raw<{ message: MessageView; draft: Draft } | null>(null)

  /** Rejects with an `ErrorView`; the caller keeps the text. */
  async send(text: string): Promise<void> {
    const answered = this.replying
    this.replying = null
    let message: MessageView
    try {
      message = await this.backend.sendText(this.id, text, answered?.id ?? null)
    } catch (thrown) {
      this.replying ??= answered
      throw thrown
    }
    await this.toNewest()
    await this.run(async () => {
      if (!this.messages.some(({ id }) => id === message.id)) {
        this.show([...this.messages, message])
      }
      this.firstUnread = null
      this.sent++
    })
  }

  /** Whether the user chose a file. Rejects with an `ErrorView`. */
  async attach(caption: string): Promise<boolean> {
    const message = await this.backend.attachFile(this.id, caption)
    if (!message) return false
    await this.run(async () => {
      if (!this.messages.some(({ id }) => id === message.id)) {
        this.show([...this.messages, message])
      }
      this.firstUnread = null
      this.sent++
    })
    return true
  }

  async file(messageId: number, index: number, what: 'cancel' | 'fetch' | 'save'): Promise<void> {
    const named = this.messages.find(({ id }) => id === messageId)
    const name = named?.attachments.find((it) => it.index === index)?.name ?? ''
    try {
      this.error = null
      if (what === 'cancel') await this.backend.cancelAttachment(messageId, index)
      else if (what === 'fetch') await this.backend.fetchAttachment(messageId, index)
      else await this.backend.saveAttachment(messageId, index, name)
    } catch (thrown) {
      this.error = asErrorView(thrown)
    }
  }

  reply(message: MessageView): void {
    this.editing = null
    this.replying = message
  }

  edit(message: MessageView): void {
    this.replying = null
    this.editing = { message, draft: new Draft(message.text ?? '') }
  }

  /** Gives the message that is being edited its other text. */
  async rewrite(text: string): Promise<void> {
    const edited = this.editing
    if (!edited) return
    await this.backend.editMessage(edited.message.id, text)
    if (this.editing === edited) this.editing = null
    await this.changed([edited.message.id])
  }

  react(messageId: number, emoji: string | null): Promise<void> {
    return this.#deed(messageId, () => this.backend.react(messageId, emoji))
  }

  remove(messageId: number, forEveryone: boolean): Promise<void> {
    if (this.editing?.message.id === messageId) this.editing = null
    if (this.replying?.id === messageId) this.replying = null
    return this.#deed(messageId, () => this.backend.deleteMessage(messageId, forEveryone))
  }

  async #deed(messageId: number, deed: () => Promise<unknown>): Promise<void> {
    try {
      this.error = null
      await deed()
      await this.changed([messageId])
    } catch (thrown) {
      this.error = asErrorView(thrown)
    }
  }

  async retry(messageId: number): Promise<void> {
    try {
      this.error = null
      await this.backend.retry(messageId)
      await this.changed([messageId])
    } catch (thrown) {
      this.error = asErrorView(thrown)
    }
  }
}
