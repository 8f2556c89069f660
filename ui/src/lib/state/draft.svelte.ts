import { asErrorView } from '$lib/errors'
import type { ErrorView } from '$lib/generated/ErrorView'
import { byteLength, MAX_MESSAGE_BYTES } from '$lib/text'

/** What is being written in one conversation; outlives switching to another one. */
export class Draft {
  text = $state('')
  error = $state.raw<ErrorView | null>(null)

  // Not derived: a derived value would end with the view in which the draft was first opened.
  get left(): number {
    return MAX_MESSAGE_BYTES - byteLength(this.text.trim())
  }

  get sendable(): boolean {
    return this.text.trim() !== '' && this.left >= 0
  }

  async send(send: (text: string) => Promise<void>): Promise<boolean> {
    if (!this.sendable) return false
    const text = this.text.trim()
    this.text = ''
    this.error = null
    try {
      await send(text)
      return true
    } catch (thrown) {
      // Typing may have gone on in the meantime.
      this.text = this.text === '' ? text : `${text}\n${this.text}`
      this.error = asErrorView(thrown)
      return false
    }
  }
}
