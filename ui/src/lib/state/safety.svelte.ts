import type { Backend } from '$lib/backend'
import { asErrorView } from '$lib/errors'
import type { ErrorView } from '$lib/generated/ErrorView'
import type { SafetyComparison } from '$lib/generated/SafetyComparison'
import type { SafetyNumberView } from '$lib/generated/SafetyNumberView'
import { base64, MAX_PICTURE_BYTES } from '$lib/picture'

/** The safety number of one conversation, and what was done about it. */
export class Safety {
  view = $state.raw<SafetyNumberView | null>(null)
  result = $state.raw<SafetyComparison | null>(null)
  error = $state.raw<ErrorView | null>(null)
  busy = $state(false)
  /** A code has just shown that one of the keys is another one. */
  readonly differs = $derived(this.result === 'peerKeyDiffers' || this.result === 'ownKeyDiffers')

  #backend: Backend
  #id: string

  constructor(backend: Backend, conversationId: string) {
    this.#backend = backend
    this.#id = conversationId
  }

  load(): Promise<void> {
    return this.#act(() => this.#read())
  }

  /** Says about the number on the screen that it was compared, or takes that back. */
  confirm(confirmed: boolean): Promise<void> {
    return this.#act(async () => {
      const shown = this.view?.number ?? ''
      try {
        this.view = await this.#backend.setConfirmed(this.#id, confirmed, shown)
      } catch (thrown) {
        // The number on the screen may be the old one.
        await this.#read()
        throw thrown
      }
    })
  }

  async scan(picture: Blob): Promise<void> {
    await this.#act(async () => {
      this.result = await this.#compare(picture)
    })
  }

  /** One picture of many: whether the camera can stop. */
  async scanFrame(picture: Blob): Promise<boolean> {
    try {
      const result = await this.#compare(picture)
      if (result === 'noCode') return false
      this.error = null
      this.result = result
    } catch (thrown) {
      this.error = asErrorView(thrown)
    }
    return true
  }

  async #read(): Promise<void> {
    this.view = await this.#backend.safetyNumber(this.#id)
  }

  async #compare(picture: Blob): Promise<SafetyComparison> {
    if (picture.size > MAX_PICTURE_BYTES) throw { code: 'safety.picture_too_large', detail: null }
    const result = await this.#backend.compareSafetyCode(this.#id, await base64(picture))
    if (result === 'match') await this.#read()
    return result
  }

  async #act(action: () => Promise<void>): Promise<void> {
    this.error = null
    this.result = null
    this.busy = true
    try {
      await action()
    } catch (thrown) {
      this.error = asErrorView(thrown)
    } finally {
      this.busy = false
    }
  }
}
