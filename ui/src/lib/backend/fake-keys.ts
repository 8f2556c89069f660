import type { AppState } from '$lib/generated/AppState'
import { FakeAccount } from './fake-account'
import { FakeAnchoring, fakeAnchoring } from './fake-anchoring'
import type { FakeOptions } from './fake-base'

/** The own key: its words, the next one, and the identity that names it. */
export abstract class FakeKeys extends FakeAccount {
  #anchoring: FakeAnchoring

  constructor(options: FakeOptions) {
    super(options)
    const view = fakeAnchoring(options.anchoring)
    this.#anchoring = new FakeAnchoring(view, this.latency, () => this.emit({ kind: 'anchoring' }))
  }

  async recoveryWords() {
    await this.enter('recoveryWords')
    return Array.from({ length: 23 }, () => 'abandon').concat('art')
  }

  async confirmRecoveryWords() {
    await this.enter('confirmRecoveryWords')
    return this.account({ wordsDue: false })
  }

  async rotateKey() {
    await this.enter('rotateKey')
    if (this.#anchoring.view.standing === 'anchored') return this.#follow()
    return this.account({ wordsDue: true })
  }

  #follow(): AppState {
    this.#anchoring.wait('did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH')
    return this.phase
  }

  async recover(words: string) {
    // Not in the list of calls: they are a secret.
    await this.enter('recover')
    const count = words.split(/\s+/).filter(Boolean).length
    if (count !== 24) throw { code: 'recovery.word_count', detail: null }
    return this.account({ wordsDue: false })
  }

  async replaceKey(handle: string) {
    await this.enter('replaceKey', handle)
    if (this.#anchoring.view.standing === 'otherKey') return this.#follow()
    return this.account({ wordsDue: true })
  }

  async anchoring() {
    await this.enter('anchoring')
    return this.#anchoring.view
  }

  async checkAnchoring() {
    await this.enter('checkAnchoring')
    return this.#anchoring.check()
  }

  async beginAnchoring(remove: boolean) {
    await this.enter('beginAnchoring', String(remove))
    return this.#anchoring.begin(remove)
  }

  async finishAnchoring(code: string) {
    await this.enter('finishAnchoring', code)
    const follows = this.#anchoring.view.successor !== null
    const view = this.#anchoring.finish(code)
    if (follows) this.account({ wordsDue: true })
    return view
  }

  async cancelAnchoring() {
    await this.enter('cancelAnchoring')
    return this.#anchoring.cancel()
  }
}
