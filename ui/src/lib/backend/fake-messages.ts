import type { ConnectionView } from '$lib/generated/ConnectionView'
import type { ErrorView } from '$lib/generated/ErrorView'
import type { MessageView } from '$lib/generated/MessageView'
import { FakeConversations } from './fake-conversations'
import { searched } from './fake-search'

/** Reading and writing messages, over a connection that can be cut. */
export abstract class FakeMessages extends FakeConversations {
  #connection: ConnectionView = { state: 'online', error: null }

  async messages(conversationId: string, before: number | null, limit: number) {
    await this.enter('messages', String(before))
    const all = this.talk(conversationId)
    const end = before === null ? all.length : all.findIndex(({ id }) => id === before)
    return structuredClone(all.slice(Math.max(0, end - limit), Math.max(0, end)))
  }

  async messagesById(ids: number[]) {
    await this.enter('messagesById', ids.join())
    const all = [...this.seed.messages.values()].flat()
    return structuredClone(all.filter(({ id }) => ids.includes(id)))
  }

  async messagesAround(conversationId: string, messageId: number, limit: number) {
    await this.enter('messagesAround', String(messageId))
    const all = this.talk(conversationId)
    const at = all.findIndex(({ id }) => id >= messageId)
    const from = Math.max(0, (at < 0 ? all.length : at) - Math.floor(limit / 2))
    return structuredClone(all.slice(from, from + limit))
  }

  async messagesAfter(conversationId: string, after: number, limit: number) {
    await this.enter('messagesAfter', String(after))
    const newer = this.talk(conversationId).filter(({ id }) => id > after)
    return structuredClone(newer.slice(0, limit))
  }

  async search(query: string, conversationId: string | null, before: number | null, limit: number) {
    await this.enter('search', query)
    const all = [...this.seed.messages.values()].flat()
    const within = conversationId === null ? all : this.talk(conversationId)
    return structuredClone(searched(within, query, before, limit))
  }

  async sendText(conversationId: string, text: string, replyTo: number | null = null) {
    await this.enter('sendText', text)
    this.keep(conversationId, '')
    const message = this.add(conversationId, true, text, 'sending')
    const answered = replyTo === null ? undefined : this.message(replyTo)
    if (answered) {
      const { id, mine, text, attachments } = answered
      const file = text === '' ? (attachments[0] ?? null) : null
      message.replyTo = { messageId: id, mine, text, file }
    }
    message.expiresIn = this.find(conversationId)?.timer ?? null
    if (this.#connection.state === 'online') this.#travel(message)
    return structuredClone(message)
  }

  async retry(messageId: number) {
    await this.enter('retry', String(messageId))
    const message = [...this.seed.messages.values()].flat().find(({ id }) => id === messageId)
    if (message) {
      this.update(message, 'sending')
      this.#travel(message)
    }
    return null
  }

  /** Something from the other side. */
  receive(conversationId: string, text: string | null): MessageView {
    const view = this.find(conversationId)
    if (view) view.unread += 1
    return this.add(conversationId, false, text, 'received')
  }

  update(message: MessageView, state: MessageView['state'], error: ErrorView | null = null): void {
    const stored = this.talk(message.conversationId).find(({ id }) => id === message.id)
    if (!stored) return
    stored.state = state
    stored.error = error
    this.announce(stored)
  }

  async connection() {
    await this.enter('connection')
    return this.#connection
  }

  connect(view: ConnectionView): void {
    this.#connection = view
    this.emit({ kind: 'connection' })
    if (view.state !== 'online') return
    for (const message of [...this.seed.messages.values()].flat()) {
      if (message.state === 'sending') this.#travel(message)
    }
  }

  #travel(message: MessageView): void {
    if (this.latency === 0) return
    setTimeout(() => this.update(message, 'sent'), this.latency * 3)
    setTimeout(() => this.update(message, 'delivered'), this.latency * 10)
  }
}
