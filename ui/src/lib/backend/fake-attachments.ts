import type { AttachmentView } from '$lib/generated/AttachmentView'
import type { MessageView } from '$lib/generated/MessageView'
import { FakeMessages } from './fake-messages'

/** Files that go with messages. */
export abstract class FakeAttachments extends FakeMessages {
  /** What the user would choose: tests put something here. */
  files: AttachmentView[] = []

  async attachFile(conversationId: string, caption: string) {
    await this.enter('attachFile', caption)
    const file = this.files.shift()
    if (!file) return null
    const message = this.add(conversationId, true, caption, 'sending')
    this.attach(message, [file])
    return structuredClone({ ...message, attachments: [file] })
  }

  async cancelAttachment(messageId: number, index: number) {
    await this.enter('cancelAttachment', `${messageId} ${index}`)
    return null
  }

  async fetchAttachment(messageId: number, index: number) {
    await this.enter('fetchAttachment', `${messageId} ${index}`)
    const message = [...this.seed.messages.values()].flat().find(({ id }) => id === messageId)
    const file = message?.attachments[index]
    if (message && file) this.attach(message, [{ ...file, state: 'here', done: file.size }])
    return null
  }

  async saveAttachment(messageId: number, index: number) {
    await this.enter('saveAttachment', `${messageId} ${index}`)
    return true
  }

  attach(message: MessageView, attachments: AttachmentView[]): void {
    const stored = this.talk(message.conversationId).find(({ id }) => id === message.id)
    if (!stored) return
    stored.attachments = attachments
    this.announce(stored)
  }
}
