import type { GermView } from '$lib/generated/GermView'
import type { HoldView } from '$lib/generated/HoldView'
import { fakeAccount } from './fake-base'
import { people, peer, summary } from './fake-data'
import { FakeKeys } from './fake-keys'

/** The list of conversations, and who there is to begin one with. */
export abstract class FakeConversations extends FakeKeys {
  async conversations() {
    await this.enter('conversations')
    return structuredClone(this.seed.conversations).sort(
      (a, b) => (b.lastAt ?? Infinity) - (a.lastAt ?? Infinity),
    )
  }

  async conversation(id: string) {
    await this.enter('conversation', id)
    return structuredClone(this.find(id) ?? null)
  }

  async startConversation(handle: string) {
    await this.enter('startConversation', handle)
    const known = this.seed.conversations.find(({ peer }) => peer.handle === handle)
    if (known) return structuredClone(known)
    if (!handle.includes('.')) throw { code: 'handle.invalid', detail: null }
    if (handle === fakeAccount.handle) throw { code: 'account.self', detail: null }
    if (handle.startsWith('nobody.')) throw { code: 'handle.unknown', detail: null }
    if (/^(newcomer|germ|shy)\./.test(handle)) throw { code: 'account.no_delegation', detail: null }
    const id = (this.seed.conversations.length + 1).toString(16).padStart(64, '0')
    const view = summary(
      { id, peer: peer(null, handle, 'anchored'), unread: 0, hold: null, draft: null },
      [],
    )
    this.seed.conversations.push(view)
    this.seed.messages.set(id, [])
    this.emit({ kind: 'conversations', ids: [id] })
    return structuredClone(view)
  }

  async onGerm(handle: string): Promise<GermView | null> {
    await this.enter('onGerm', handle)
    if (!/^(germ|shy)\./.test(handle)) return null
    return { handle, url: handle.startsWith('shy.') ? null : 'https://landing.ger.mx/newUser/web' }
  }

  async openGerm(handle: string) {
    await this.enter('openGerm', handle)
    return null
  }

  async suggestions(query: string) {
    await this.enter('suggestions', query)
    const wanted = query.toLowerCase()
    return people
      .filter((p) => p.handle.includes(wanted) || p.displayName?.toLowerCase().includes(wanted))
      .map(({ did, handle, displayName, avatar }) => ({ did, handle, displayName, avatar }))
  }

  async acceptKeyChange(conversationId: string, key: string) {
    await this.enter('acceptKeyChange', key)
    const view = this.find(conversationId)
    if (!view) throw { code: 'internal', detail: null }
    this.hold(conversationId, null)
    return structuredClone(view)
  }

  /** Nothing goes out to this peer any more, or again. */
  hold(conversationId: string, hold: HoldView | null): void {
    const view = this.find(conversationId)
    if (view) view.hold = hold
    this.emit({ kind: 'conversations', ids: [conversationId] })
  }

  async saveDraft(conversationId: string, text: string) {
    await this.enter('saveDraft', text)
    this.keep(conversationId, text)
    this.emit({ kind: 'conversations', ids: [conversationId] })
    return null
  }

  protected keep(conversationId: string, text: string): void {
    const view = this.find(conversationId)
    if (view) view.draft = text.trim() === '' ? null : text
  }

  async setTimer(conversationId: string, seconds: number | null) {
    await this.enter('setTimer', String(seconds))
    const view = this.find(conversationId)
    if (view) view.timer = seconds
    this.emit({ kind: 'conversations', ids: [conversationId] })
    return null
  }

  async typing(conversationId: string) {
    await this.enter('typing', conversationId)
    return null
  }

  /** The other side is writing, or not any more. */
  write(conversationId: string, typing: boolean): void {
    const view = this.find(conversationId)
    if (view) view.typing = typing
    this.emit({ kind: 'conversations', ids: [conversationId] })
  }

  async markRead(conversationId: string) {
    await this.enter('markRead', conversationId)
    const view = this.find(conversationId)
    if (view) view.unread = 0
    this.emit({ kind: 'conversations', ids: [conversationId] })
    return null
  }
}
