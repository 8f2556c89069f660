import { asErrorView } from '$lib/errors'
import type { ErrorView } from '$lib/generated/ErrorView'
import { byteLength, MAX_MESSAGE_BYTES } from '$lib/text'

/** How long after a key a draft is kept. */
const PAUSE = 400

/** What is being written in one conversation; outlives switching to another one. */
export class Draft {
  text = $state('')
  error = $state.raw<ErrorView | null>(null)

  #save: (text: string) => Promise<unknown>
  #saved: string
  #saving: Promise<unknown> = Promise.resolve()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(text = '', save: (text: string) => Promise<unknown> = async () => undefined) {
    this.text = text
    this.#saved = text
    this.#save = save
  }

  /** It is kept a moment after the last key. */
  typed(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.keep(), PAUSE)
  }

  keep(): void {
    clearTimeout(this.#timer)
    const text = this.text
    if (text === this.#saved || byteLength(text) > MAX_MESSAGE_BYTES) return
    this.#saved = text
    // The next key tries again.
    this.#saving = this.#saving.then(() => this.#save(text)).catch(() => (this.#saved = '\0'))
  }

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
    clearTimeout(this.#timer)
    // Kept after it was sent, it would come back.
    await this.#saving
    this.#saved = ''
    try {
      await send(text)
      return true
    } catch (thrown) {
      // Typing may have gone on in the meantime.
      this.text = this.text === '' ? text : `${text}\n${this.text}`
      this.error = asErrorView(thrown)
      this.typed()
      return false
    }
  }

  /** With what is written as its caption, which goes only when a file was chosen. */
  async attach(attach: (caption: string) => Promise<boolean>): Promise<void> {
    const caption = this.text.trim()
    this.error = null
    try {
      if ((await attach(caption)) && this.text.trim() === caption) this.text = ''
    } catch (thrown) {
      this.error = asErrorView(thrown)
    }
  }
}
