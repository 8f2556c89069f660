import type { AttachmentView } from '$lib/generated/AttachmentView'
import type { AccountView } from '$lib/generated/AccountView'
import type { AnchoringView } from '$lib/generated/AnchoringView'
import type { AppEvent } from '$lib/generated/AppEvent'
import type { AppState } from '$lib/generated/AppState'
import type { ConnectionView } from '$lib/generated/ConnectionView'
import type { ConversationView } from '$lib/generated/ConversationView'
import type { ErrorView } from '$lib/generated/ErrorView'
import type { GermView } from '$lib/generated/GermView'
import type { HoldView } from '$lib/generated/HoldView'
import type { IncomingPolicy } from '$lib/generated/IncomingPolicy'
import type { MessageView } from '$lib/generated/MessageView'
import type { PolicyView } from '$lib/generated/PolicyView'
import type { RequestsView } from '$lib/generated/RequestsView'
import type { Backend, Listener } from './backend'
import type { SafetyComparison } from '$lib/generated/SafetyComparison'
import { anchoringFromLocation, FakeAnchoring, fakeAnchoring } from './fake-anchoring'
import { FakeContent } from './fake-content'
import { searched } from './fake-search'
import { conversationId, nothingMore, people, peer, seed, summary, type Seed } from './fake-data'
import { fakeCode, fakeNumber, fakeProvenance } from './fake-safety'
import { accepted, demoRequests } from './fake-requests'

export const fakeAccount: AccountView = {
  did: 'did:plc:ewvi7nxzyoun6zhxrhs64oiz',
  handle: 'alice.bsky.social',
  displayName: 'Alice Moreau',
  avatar: null,
  relay: 'relay.sotto.chat',
  wordsDue: false,
}

export type FakeOptions = {
  state?: AppState
  seed?: Seed
  requests?: RequestsView
  latency?: number
  anchoring?: Partial<AnchoringView>
}

/** A core in memory: no network, no keys, the same answers and events. */
export class FakeBackend implements Backend {
  #listeners = new Set<Listener>()
  #state: AppState
  #seed: Seed
  #requests: RequestsView
  #policy: PolicyView = { incoming: 'everyone', published: true }
  #connection: ConnectionView = { state: 'online', error: null }
  #latency: number
  #nextId = 10_000
  #cancelled: ((error: ErrorView) => void) | undefined
  /** Codes that the named command answers with, once per entry. */
  failures: Partial<Record<keyof Backend, ErrorView[]>> = {}
  calls: string[] = []
  /** What the next pictures show. */
  scans: SafetyComparison[] = []
  #confirmedAt = new Map<string, number>()
  #anchoring: FakeAnchoring
  #content = new FakeContent()

  constructor(options: FakeOptions = {}) {
    this.#state = options.state ?? { kind: 'ready', account: fakeAccount }
    this.#seed = options.seed ?? seed(Date.now())
    this.#requests = options.requests ?? { requests: [], dropped: 0 }
    this.#latency = options.latency ?? 0
    const view = fakeAnchoring(options.anchoring)
    this.#anchoring = new FakeAnchoring(view, this.#latency, () => this.emit({ kind: 'anchoring' }))
  }

  async #enter(command: keyof Backend, detail = ''): Promise<void> {
    this.calls.push(detail ? `${command} ${detail}` : command)
    if (this.#latency > 0) await new Promise((done) => setTimeout(done, this.#latency))
    const failure = this.failures[command]?.shift()
    if (failure) throw failure
  }

  emit(event: AppEvent): void {
    for (const { event: hear } of this.#listeners) hear(event)
  }

  link(up: boolean): void {
    for (const listener of this.#listeners) listener.link(up)
  }

  #become(state: AppState): AppState {
    this.#state = state
    this.emit({ kind: 'state' })
    return state
  }

  async state() {
    await this.#enter('state')
    return this.#state
  }

  async unlock(passphrase: string) {
    await this.#enter('unlock')
    if (passphrase.length < 8) throw { code: 'vault.passphrase_too_short', detail: null }
    if (passphrase === 'wrong passphrase') throw { code: 'vault.wrong_passphrase', detail: null }
    return this.#become({ kind: 'signedOut' })
  }

  async signIn(handle: string) {
    await this.#enter('signIn', handle)
    if (!handle.includes('.')) throw { code: 'handle.invalid', detail: null }
    this.#become({ kind: 'signingIn', handle })
    await new Promise<void>((done, fail) => {
      this.#cancelled = fail
      setTimeout(done, this.#latency * 20)
    })
    const account = { ...fakeAccount, handle, relay: null }
    if (handle.startsWith('elsewhere.'))
      return this.#become({ kind: 'delegationElsewhere', account })
    return this.#become({ kind: 'settingUp', account, defaultRelay: 'relay.sotto.chat' })
  }

  async cancelSignIn() {
    await this.#enter('cancelSignIn')
    this.#cancelled?.({ code: 'oauth.cancelled', detail: null })
    return this.#become({ kind: 'signedOut' })
  }

  async setUp(relay: string) {
    await this.#enter('setUp', relay)
    if (!relay.includes('.')) throw { code: 'relay.domain_invalid', detail: null }
    const account = 'account' in this.#state ? this.#state.account : fakeAccount
    return this.#become({ kind: 'ready', account: { ...account, relay, wordsDue: true } })
  }

  #account(more: Partial<AccountView>): AppState {
    const account = 'account' in this.#state ? this.#state.account : fakeAccount
    return this.#become({
      kind: 'ready',
      account: { ...account, relay: fakeAccount.relay, ...more },
    })
  }

  async recoveryWords() {
    await this.#enter('recoveryWords')
    return Array.from({ length: 23 }, () => 'abandon').concat('art')
  }

  async confirmRecoveryWords() {
    await this.#enter('confirmRecoveryWords')
    return this.#account({ wordsDue: false })
  }

  async rotateKey() {
    await this.#enter('rotateKey')
    if (this.#anchoring.view.standing === 'anchored') return this.#follow()
    return this.#account({ wordsDue: true })
  }

  #follow(): AppState {
    this.#anchoring.wait('did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH')
    return this.#state
  }

  async recover(words: string) {
    // Not in the list of calls: they are a secret.
    await this.#enter('recover')
    const count = words.split(/\s+/).filter(Boolean).length
    if (count !== 24) throw { code: 'recovery.word_count', detail: null }
    return this.#account({ wordsDue: false })
  }

  async replaceKey(handle: string) {
    await this.#enter('replaceKey', handle)
    if (this.#anchoring.view.standing === 'otherKey') return this.#follow()
    return this.#account({ wordsDue: true })
  }

  async revoke() {
    await this.#enter('revoke')
    const account = 'account' in this.#state ? this.#state.account : fakeAccount
    return this.#become({
      kind: 'settingUp',
      account: { ...account, relay: null, wordsDue: false },
      defaultRelay: 'relay.sotto.chat',
    })
  }

  async acceptKeyChange(conversationId: string, key: string) {
    await this.#enter('acceptKeyChange', key)
    const view = this.#find(conversationId)
    if (!view) throw { code: 'internal', detail: null }
    this.hold(conversationId, null)
    return structuredClone(view)
  }

  /** Nothing goes out to this peer any more, or again. */
  hold(conversationId: string, hold: HoldView | null): void {
    const view = this.#find(conversationId)
    if (view) view.hold = hold
    this.emit({ kind: 'conversations', ids: [conversationId] })
  }

  async signOut() {
    await this.#enter('signOut')
    return this.#become({ kind: 'signedOut' })
  }

  async conversations() {
    await this.#enter('conversations')
    return structuredClone(this.#seed.conversations).sort(
      (a, b) => (b.lastAt ?? Infinity) - (a.lastAt ?? Infinity),
    )
  }

  async conversation(id: string) {
    await this.#enter('conversation', id)
    return structuredClone(this.#find(id) ?? null)
  }

  async startConversation(handle: string) {
    await this.#enter('startConversation', handle)
    const known = this.#seed.conversations.find(({ peer }) => peer.handle === handle)
    if (known) return structuredClone(known)
    if (!handle.includes('.')) throw { code: 'handle.invalid', detail: null }
    if (handle === fakeAccount.handle) throw { code: 'account.self', detail: null }
    if (handle.startsWith('nobody.')) throw { code: 'handle.unknown', detail: null }
    if (/^(newcomer|germ|shy)\./.test(handle)) throw { code: 'account.no_delegation', detail: null }
    const id = (this.#seed.conversations.length + 1).toString(16).padStart(64, '0')
    const view = summary(
      { id, peer: peer(null, handle, 'anchored'), unread: 0, hold: null, draft: null },
      [],
    )
    this.#seed.conversations.push(view)
    this.#seed.messages.set(id, [])
    this.emit({ kind: 'conversations', ids: [id] })
    return structuredClone(view)
  }

  async onGerm(handle: string): Promise<GermView | null> {
    await this.#enter('onGerm', handle)
    if (!/^(germ|shy)\./.test(handle)) return null
    return { handle, url: handle.startsWith('shy.') ? null : 'https://landing.ger.mx/newUser/web' }
  }

  async openGerm(handle: string) {
    await this.#enter('openGerm', handle)
    return null
  }

  async suggestions(query: string) {
    await this.#enter('suggestions', query)
    const wanted = query.toLowerCase()
    return people
      .filter((p) => p.handle.includes(wanted) || p.displayName?.toLowerCase().includes(wanted))
      .map(({ did, handle, displayName, avatar }) => ({ did, handle, displayName, avatar }))
  }

  async messages(conversationId: string, before: number | null, limit: number) {
    await this.#enter('messages', String(before))
    const all = this.#messages(conversationId)
    const end = before === null ? all.length : all.findIndex(({ id }) => id === before)
    return structuredClone(all.slice(Math.max(0, end - limit), Math.max(0, end)))
  }

  async messagesById(ids: number[]) {
    await this.#enter('messagesById', ids.join())
    const all = [...this.#seed.messages.values()].flat()
    return structuredClone(all.filter(({ id }) => ids.includes(id)))
  }

  async messagesAround(conversationId: string, messageId: number, limit: number) {
    await this.#enter('messagesAround', String(messageId))
    const all = this.#messages(conversationId)
    const at = all.findIndex(({ id }) => id >= messageId)
    const from = Math.max(0, (at < 0 ? all.length : at) - Math.floor(limit / 2))
    return structuredClone(all.slice(from, from + limit))
  }

  async messagesAfter(conversationId: string, after: number, limit: number) {
    await this.#enter('messagesAfter', String(after))
    const newer = this.#messages(conversationId).filter(({ id }) => id > after)
    return structuredClone(newer.slice(0, limit))
  }

  async search(query: string, conversationId: string | null, before: number | null, limit: number) {
    await this.#enter('search', query)
    const all = [...this.#seed.messages.values()].flat()
    const within = conversationId === null ? all : this.#messages(conversationId)
    return structuredClone(searched(within, query, before, limit))
  }

  async saveDraft(conversationId: string, text: string) {
    await this.#enter('saveDraft', text)
    this.#keep(conversationId, text)
    this.emit({ kind: 'conversations', ids: [conversationId] })
    return null
  }

  #keep(conversationId: string, text: string): void {
    const view = this.#find(conversationId)
    if (view) view.draft = text.trim() === '' ? null : text
  }

  async sendText(conversationId: string, text: string, replyTo: number | null = null) {
    await this.#enter('sendText', text)
    this.#keep(conversationId, '')
    const message = this.#add(conversationId, true, text, 'sending')
    const answered = replyTo === null ? undefined : this.#message(replyTo)
    if (answered) {
      const { id, mine, text, attachments } = answered
      const file = text === '' ? (attachments[0] ?? null) : null
      message.replyTo = { messageId: id, mine, text, file }
    }
    message.expiresIn = this.#find(conversationId)?.timer ?? null
    if (this.#connection.state === 'online') this.#travel(message)
    return structuredClone(message)
  }

  async react(messageId: number, emoji: string | null) {
    await this.#enter('react', String(emoji))
    const message = this.#existing(messageId)
    this.#content.react(message, emoji)
    this.#announce(message)
    return null
  }

  async editMessage(messageId: number, text: string) {
    await this.#enter('editMessage', text)
    const message = this.#existing(messageId)
    if (!message.mine) throw { code: 'message.not_yours', detail: null }
    this.#content.edit(message, text)
    this.#announce(message)
    return null
  }

  async deleteMessage(messageId: number, forEveryone: boolean) {
    await this.#enter('deleteMessage', String(forEveryone))
    const message = this.#existing(messageId)
    if (forEveryone && !message.mine) throw { code: 'message.not_yours', detail: null }
    if (forEveryone) this.#content.erase(message)
    else {
      const all = this.#messages(message.conversationId)
      all.splice(all.indexOf(message), 1)
    }
    this.#announce(message)
    return null
  }

  async messageEdits(messageId: number) {
    await this.#enter('messageEdits', String(messageId))
    return structuredClone(this.#content.edits(messageId))
  }

  async setTimer(conversationId: string, seconds: number | null) {
    await this.#enter('setTimer', String(seconds))
    const view = this.#find(conversationId)
    if (view) view.timer = seconds
    this.emit({ kind: 'conversations', ids: [conversationId] })
    return null
  }

  async typing(conversationId: string) {
    await this.#enter('typing', conversationId)
    return null
  }

  /** The other side is writing, or not any more. */
  write(conversationId: string, typing: boolean): void {
    const view = this.#find(conversationId)
    if (view) view.typing = typing
    this.emit({ kind: 'conversations', ids: [conversationId] })
  }

  async receipts() {
    await this.#enter('receipts')
    return this.#content.receipts
  }

  async setReceipts(read: boolean, typing: boolean) {
    await this.#enter('setReceipts', `${read} ${typing}`)
    this.#content.receipts = { read, typing }
    return this.#content.receipts
  }

  /** What the user would choose: tests put something here. */
  files: AttachmentView[] = []

  async attachFile(conversationId: string, caption: string) {
    await this.#enter('attachFile', caption)
    const file = this.files.shift()
    if (!file) return null
    const message = this.#add(conversationId, true, caption, 'sending')
    this.attach(message, [file])
    return structuredClone({ ...message, attachments: [file] })
  }

  async cancelAttachment(messageId: number, index: number) {
    await this.#enter('cancelAttachment', `${messageId} ${index}`)
    return null
  }

  async fetchAttachment(messageId: number, index: number) {
    await this.#enter('fetchAttachment', `${messageId} ${index}`)
    const message = [...this.#seed.messages.values()].flat().find(({ id }) => id === messageId)
    const file = message?.attachments[index]
    if (message && file) this.attach(message, [{ ...file, state: 'here', done: file.size }])
    return null
  }

  async saveAttachment(messageId: number, index: number) {
    await this.#enter('saveAttachment', `${messageId} ${index}`)
    return true
  }

  attach(message: MessageView, attachments: AttachmentView[]): void {
    const stored = this.#messages(message.conversationId).find(({ id }) => id === message.id)
    if (!stored) return
    stored.attachments = attachments
    this.#announce(stored)
  }

  async retry(messageId: number) {
    await this.#enter('retry', String(messageId))
    const message = [...this.#seed.messages.values()].flat().find(({ id }) => id === messageId)
    if (message) {
      this.update(message, 'sending')
      this.#travel(message)
    }
    return null
  }

  async markRead(conversationId: string) {
    await this.#enter('markRead', conversationId)
    const view = this.#find(conversationId)
    if (view) view.unread = 0
    this.emit({ kind: 'conversations', ids: [conversationId] })
    return null
  }

  async safetyNumber(conversationId: string) {
    await this.#enter('safetyNumber', conversationId)
    const confirmed = this.#find(conversationId)?.peer.level === 'confirmed'
    const at = this.#confirmedAt.get(conversationId) ?? Date.UTC(2025, 3, 12, 18)
    const confirmedAt = confirmed ? at : null
    return { conversationId, number: fakeNumber, code: fakeCode(), confirmedAt }
  }

  async setConfirmed(conversationId: string, confirmed: boolean, number: string) {
    await this.#enter('setConfirmed', String(confirmed))
    if (confirmed && number !== fakeNumber) throw { code: 'safety.number_changed', detail: null }
    const view = this.#find(conversationId)
    if (view) view.peer = { ...view.peer, level: confirmed ? 'confirmed' : 'anchored' }
    this.#confirmedAt.set(conversationId, Date.now())
    this.emit({ kind: 'conversations', ids: [conversationId] })
    return this.safetyNumber(conversationId)
  }

  async compareSafetyCode(conversationId: string, picture: string) {
    await this.#enter('compareSafetyCode', picture.slice(0, 12))
    const comparison = this.scans.shift() ?? 'noCode'
    if (comparison === 'match') await this.setConfirmed(conversationId, true, fakeNumber)
    return comparison
  }

  async provenance(messageId: number) {
    await this.#enter('provenance', String(messageId))
    const message = [...this.#seed.messages.values()].flat().find(({ id }) => id === messageId)
    if (!message) throw { code: 'message.unknown', detail: null }
    const confirmed = this.#find(message.conversationId)?.peer.level === 'confirmed'
    return fakeProvenance(message, confirmed ? Date.UTC(2025, 3, 12, 18) : null)
  }

  async requests() {
    await this.#enter('requests')
    return structuredClone(this.#requests)
  }

  async acceptRequest(id: string) {
    await this.#enter('acceptRequest', id)
    const request = this.#take(id)
    const { view, messages } = accepted(request, this.#nextId)
    this.#nextId += messages.length
    this.#seed.conversations.push(view)
    this.#seed.messages.set(id, messages)
    this.emit({ kind: 'conversations', ids: [id] })
    return structuredClone(view)
  }

  async declineRequest(id: string) {
    await this.#enter('declineRequest', id)
    this.#take(id)
    return null
  }

  async policy() {
    await this.#enter('policy')
    return this.#policy
  }

  async setIncoming(policy: IncomingPolicy) {
    this.#policy = { incoming: policy, published: false }
    await this.#enter('setIncoming', policy)
    this.#policy = { incoming: policy, published: true }
    this.emit({ kind: 'requests' })
    return this.#policy
  }

  /** A first message of someone who is not let straight in. */
  ask(requests: RequestsView): void {
    this.#requests = requests
    this.emit({ kind: 'requests' })
  }

  #take(id: string): RequestsView['requests'][number] {
    const found = this.#requests.requests.find((request) => request.id === id)
    if (!found) throw { code: 'conversation.unknown', detail: null }
    this.ask({ requests: this.#requests.requests.filter((it) => it !== found), dropped: 0 })
    return found
  }

  async anchoring() {
    await this.#enter('anchoring')
    return this.#anchoring.view
  }

  async checkAnchoring() {
    await this.#enter('checkAnchoring')
    return this.#anchoring.check()
  }

  async beginAnchoring(remove: boolean) {
    await this.#enter('beginAnchoring', String(remove))
    return this.#anchoring.begin(remove)
  }

  async finishAnchoring(code: string) {
    await this.#enter('finishAnchoring', code)
    const follows = this.#anchoring.view.successor !== null
    const view = this.#anchoring.finish(code)
    if (follows) this.#account({ wordsDue: true })
    return view
  }

  async cancelAnchoring() {
    await this.#enter('cancelAnchoring')
    return this.#anchoring.cancel()
  }

  async connection() {
    await this.#enter('connection')
    return this.#connection
  }

  listen(listener: Listener) {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Something from the other side. */
  receive(conversationId: string, text: string | null): MessageView {
    const view = this.#find(conversationId)
    if (view) view.unread += 1
    return this.#add(conversationId, false, text, 'received')
  }

  update(message: MessageView, state: MessageView['state'], error: ErrorView | null = null): void {
    const stored = this.#messages(message.conversationId).find(({ id }) => id === message.id)
    if (!stored) return
    stored.state = state
    stored.error = error
    this.#announce(stored)
  }

  connect(view: ConnectionView): void {
    this.#connection = view
    this.emit({ kind: 'connection' })
    if (view.state !== 'online') return
    for (const message of [...this.#seed.messages.values()].flat()) {
      if (message.state === 'sending') this.#travel(message)
    }
  }

  #find(id: string): ConversationView | undefined {
    return this.#seed.conversations.find((view) => view.id === id)
  }

  #message(id: number): MessageView | undefined {
    return [...this.#seed.messages.values()].flat().find((message) => message.id === id)
  }

  #existing(id: number): MessageView {
    const message = this.#message(id)
    if (!message || message.deleted) throw { code: 'message.unknown', detail: null }
    return message
  }

  #messages(conversationId: string): MessageView[] {
    return this.#seed.messages.get(conversationId) ?? []
  }

  #add(
    conversationId: string,
    mine: boolean,
    text: string | null,
    state: MessageView['state'],
  ): MessageView {
    const id = this.#nextId++
    const sentAt = Date.now()
    const plain = { id, conversationId, mine, text, sentAt, state, error: null }
    const message: MessageView = { ...plain, ...nothingMore() }
    this.#messages(conversationId).push(message)
    this.#announce(message)
    return message
  }

  #announce({ id, conversationId }: MessageView): void {
    const view = this.#find(conversationId)
    if (view) Object.assign(view, summary(view, this.#messages(conversationId)))
    this.emit({ kind: 'messages', conversationId, ids: [id] })
    this.emit({ kind: 'conversations', ids: [conversationId] })
  }

  #travel(message: MessageView): void {
    if (this.#latency === 0) return
    setTimeout(() => this.update(message, 'sent'), this.#latency * 3)
    setTimeout(() => this.update(message, 'delivered'), this.#latency * 10)
  }
}

/** `?state=signedOut&offline&empty&anchor=absent` opens the fake in that state; `window.fake` steers it further. */
export function fakeFromLocation(search: string): FakeBackend {
  const query = new URLSearchParams(search)
  const account = fakeAccount
  const states: Record<string, AppState> = {
    locked: { kind: 'locked', create: false },
    lockedCreate: { kind: 'locked', create: true },
    signedOut: { kind: 'signedOut' },
    signingIn: { kind: 'signingIn', handle: account.handle },
    settingUp: { kind: 'settingUp', account, defaultRelay: 'relay.sotto.chat' },
    delegationElsewhere: { kind: 'delegationElsewhere', account },
    words: { kind: 'ready', account: { ...fakeAccount, wordsDue: true } },
  }
  const data = query.has('empty') ? { conversations: [], messages: new Map() } : undefined
  const state = states[query.get('state') ?? '']
  const fake = new FakeBackend({
    latency: 120,
    ...(state && { state }),
    ...(data ? { seed: data } : { requests: demoRequests(Date.now()) }),
    anchoring: anchoringFromLocation(query.get('anchor')),
  })
  if (query.has('offline')) {
    fake.connect({ state: 'offline', error: { code: 'relay.unreachable', detail: null } })
  }
  const hold = query.get('hold')
  if (hold) {
    const confirmed = query.has('confirmed')
    fake.hold(conversationId(0), { code: hold, key: 'did:key:z6MkFake', confirmed })
  }
  Object.assign(window, { fake })
  return fake
}
