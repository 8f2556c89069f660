import type { Backend } from '$lib/backend'
import { asErrorView } from '$lib/errors'
import type { ErrorView } from '$lib/generated/ErrorView'
import type { IncomingPolicy } from '$lib/generated/IncomingPolicy'
import type { PolicyView } from '$lib/generated/PolicyView'
import type { RequestView } from '$lib/generated/RequestView'

/** First messages that wait for the person's word, and from whom they need not. */
export class Requests {
  list = $state.raw<RequestView[]>([])
  /** How many older ones went, because too many came. */
  dropped = $state(0)
  policy = $state.raw<PolicyView | null>(null)
  error = $state.raw<ErrorView | null>(null)
  policyError = $state.raw<ErrorView | null>(null)
  /** The request being decided now. */
  deciding = $state<string | null>(null)
  choosing = $state(false)

  #backend: Backend
  #generation = 0
  #asked = 0

  constructor(backend: Backend) {
    this.#backend = backend
  }

  clear(): void {
    this.#generation++
    this.list = []
    this.dropped = 0
    this.policy = null
    this.error = null
    this.policyError = null
    this.deciding = null
  }

  async refresh(): Promise<void> {
    const [generation, asked] = [this.#generation, ++this.#asked]
    const current = () => generation === this.#generation && asked === this.#asked
    try {
      const [{ requests, dropped }, policy] = await Promise.all([
        this.#backend.requests(),
        this.#backend.policy(),
      ])
      // A newer answer may have overtaken this one.
      if (!current()) return
      this.list = requests
      this.dropped = dropped
      this.policy = policy
    } catch (thrown) {
      if (current()) this.error = asErrorView(thrown)
    }
  }

  /** Whether it was accepted. */
  accept(id: string): Promise<boolean> {
    return this.#decide(id, () => this.#backend.acceptRequest(id))
  }

  decline(id: string): Promise<boolean> {
    return this.#decide(id, () => this.#backend.declineRequest(id))
  }

  async choose(policy: IncomingPolicy): Promise<void> {
    this.policyError = null
    this.choosing = true
    try {
      this.policy = await this.#backend.setIncoming(policy)
    } catch (thrown) {
      this.policyError = asErrorView(thrown)
      await this.refresh()
    } finally {
      this.choosing = false
    }
  }

  async #decide(id: string, decision: () => Promise<unknown>): Promise<boolean> {
    this.error = null
    this.deciding = id
    try {
      await decision()
      return true
    } catch (thrown) {
      this.error = asErrorView(thrown)
      return false
    } finally {
      this.deciding = null
      await this.refresh()
    }
  }
}
