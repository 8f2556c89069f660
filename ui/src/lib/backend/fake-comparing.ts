import type { SafetyComparison } from '$lib/generated/SafetyComparison'
import { FakeDeeds } from './fake-deeds'
import { fakeCode, fakeNumber, fakeProvenance } from './fake-safety'

/** Safety numbers, and where messages came from. */
export abstract class FakeComparing extends FakeDeeds {
  /** What the next pictures show. */
  scans: SafetyComparison[] = []
  #confirmedAt = new Map<string, number>()

  async safetyNumber(conversationId: string) {
    await this.enter('safetyNumber', conversationId)
    const confirmed = this.find(conversationId)?.peer.level === 'confirmed'
    const at = this.#confirmedAt.get(conversationId) ?? Date.UTC(2025, 3, 12, 18)
    const confirmedAt = confirmed ? at : null
    return { conversationId, number: fakeNumber, code: fakeCode(), confirmedAt }
  }

  async setConfirmed(conversationId: string, confirmed: boolean, number: string) {
    await this.enter('setConfirmed', String(confirmed))
    if (confirmed && number !== fakeNumber) throw { code: 'safety.number_changed', detail: null }
    const view = this.find(conversationId)
    if (view) view.peer = { ...view.peer, level: confirmed ? 'confirmed' : 'anchored' }
    this.#confirmedAt.set(conversationId, Date.now())
    this.emit({ kind: 'conversations', ids: [conversationId] })
    return this.safetyNumber(conversationId)
  }

  async compareSafetyCode(conversationId: string, picture: string) {
    await this.enter('compareSafetyCode', picture.slice(0, 12))
    const comparison = this.scans.shift() ?? 'noCode'
    if (comparison === 'match') await this.setConfirmed(conversationId, true, fakeNumber)
    return comparison
  }

  async provenance(messageId: number) {
    await this.enter('provenance', String(messageId))
    const message = [...this.seed.messages.values()].flat().find(({ id }) => id === messageId)
    if (!message) throw { code: 'message.unknown', detail: null }
    const confirmed = this.find(message.conversationId)?.peer.level === 'confirmed'
    return fakeProvenance(message, confirmed ? Date.UTC(2025, 3, 12, 18) : null)
  }
}
