import type { Backend } from '$lib/backend'
import { asErrorView } from '$lib/errors'
import type { ErrorView } from '$lib/generated/ErrorView'
import type { RelayOfferView } from '$lib/generated/RelayOfferView'
import type { RelayView } from '$lib/generated/RelayView'

/** Where the account receives, and its way to another relay. */
export class Relay {
  view = $state.raw<RelayView | null>(null)
  /** What the relay says that was looked at last. */
  offer = $state.raw<RelayOfferView | null>(null)
  error = $state.raw<ErrorView | null>(null)
  doing = $state<'checking' | 'moving' | null>(null)

  /** A move that was begun, here or before the last start. */
  readonly moving = $derived(this.view?.moving ?? null)

  #backend: Backend
  #asked = 0

  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** Reads again whenever something may have changed; returns what ends that. */
  start(): () => void {
    void this.refresh()
    return this.#backend.listen({
      event: ({ kind }) => {
        if (kind === 'state' || kind === 'overflowed') void this.refresh()
      },
      link: () => {},
    })
  }

  async refresh(): Promise<void> {
    const asked = ++this.#asked
    const view = await this.#backend.relay().catch(() => null)
    if (view && asked === this.#asked) this.view = view
  }

  async check(domain: string): Promise<void> {
    await this.#do('checking', async () => {
      this.offer = await this.#backend.checkRelay(domain.trim())
    })
  }

  async move(): Promise<void> {
    const offer = this.offer
    if (!offer) return
    await this.#do('moving', async () => {
      this.view = await this.#backend.moveRelay(offer.domain)
      this.offer = null
    })
    await this.refresh()
  }

  async cancel(): Promise<void> {
    this.offer = null
    try {
      this.view = await this.#backend.cancelMove()
      this.error = null
    } catch (thrown) {
      this.error = asErrorView(thrown)
    }
  }

  /** The user types another domain. */
  forget(): void {
    this.offer = null
    this.error = null
  }

  async #do(what: 'checking' | 'moving', work: () => Promise<void>): Promise<void> {
    if (this.doing) return
    this.doing = what
    this.error = null
    try {
      await work()
    } catch (thrown) {
      const error = asErrorView(thrown)
      // The user did that.
      this.error = error.code === 'relay.move_cancelled' ? null : error
    } finally {
      this.doing = null
    }
  }
}
