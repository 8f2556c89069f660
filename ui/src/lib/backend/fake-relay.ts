import type { RelayView } from '$lib/generated/RelayView'
import { FakeReach } from './fake-reach'

const DAY = 86_400_000

/** The own relay, and moving to another one. */
export abstract class FakeRelay extends FakeReach {
  #relay: RelayView = { domain: 'relay.sotto.chat', moving: null, former: [] }

  async relay() {
    await this.enter('relay')
    return structuredClone(this.#relay)
  }

  async checkRelay(relay: string) {
    await this.enter('checkRelay', relay)
    const domain = relay.replace(/^https:\/\//, '').toLowerCase()
    if (!domain.includes('.')) throw { code: 'relay.domain_invalid', detail: null }
    if (domain === this.#relay.domain) throw { code: 'relay.same', detail: null }
    return { domain, messageDays: 30, fileDays: 45, fileBytes: 1_073_741_824 }
  }

  async moveRelay(relay: string) {
    this.stand({ ...this.#relay, moving: { domain: relay, published: false } })
    try {
      await this.enter('moveRelay', relay)
    } catch (thrown) {
      this.stand({ ...this.#relay, moving: null })
      throw thrown
    }
    const left = {
      domain: this.#relay.domain,
      awaitedPeers: this.seed.conversations.length,
      awaitsFiles: false,
      until: Date.now() + 31 * DAY,
      reachedAt: Date.now(),
    }
    const former = this.#relay.former.filter(({ domain }) => domain !== relay)
    this.stand({ domain: relay, moving: null, former: [left, ...former] })
    return structuredClone(this.#relay)
  }

  async cancelMove() {
    await this.enter('cancelMove')
    this.stand({ ...this.#relay, moving: null })
    return structuredClone(this.#relay)
  }

  /** The core says something else about the relay. */
  stand(relay: RelayView): void {
    this.#relay = relay
    this.emit({ kind: 'state' })
  }
}
