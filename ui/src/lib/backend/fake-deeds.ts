import { FakeAttachments } from './fake-attachments'
import { FakeContent } from './fake-content'

/** What is done with messages that are there, and what peers are told of it. */
export abstract class FakeDeeds extends FakeAttachments {
  #content = new FakeContent()

  async react(messageId: number, emoji: string | null) {
    await this.enter('react', String(emoji))
    const message = this.existing(messageId)
    this.#content.react(message, emoji)
    this.announce(message)
    return null
  }

  async editMessage(messageId: number, text: string) {
    await this.enter('editMessage', text)
    const message = this.existing(messageId)
    if (!message.mine) throw { code: 'message.not_yours', detail: null }
    this.#content.edit(message, text)
    this.announce(message)
    return null
  }

  async deleteMessage(messageId: number, forEveryone: boolean) {
    await this.enter('deleteMessage', String(forEveryone))
    const message = this.existing(messageId)
    if (forEveryone && !message.mine) throw { code: 'message.not_yours', detail: null }
    if (forEveryone) this.#content.erase(message)
    else {
      const all = this.talk(message.conversationId)
      all.splice(all.indexOf(message), 1)
    }
    this.announce(message)
    return null
  }

  async messageEdits(messageId: number) {
    await this.enter('messageEdits', String(messageId))
    return structuredClone(this.#content.edits(messageId))
  }

  async receipts() {
    await this.enter('receipts')
    return this.#content.receipts
  }

  async setReceipts(read: boolean, typing: boolean) {
    await this.enter('setReceipts', `${read} ${typing}`)
    this.#content.receipts = { read, typing }
    return this.#content.receipts
  }
}
