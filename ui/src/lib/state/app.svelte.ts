import type { Backend } from '$lib/backend'
import { asErrorView } from '$lib/errors'
import type { AppEvent } from '$lib/generated/AppEvent'
import type { AppState } from '$lib/generated/AppState'
import { Anchoring } from './anchoring.svelte'
import { Clock } from './clock.svelte'
import { Connection } from './connection.svelte'
import { Conversations } from './conversations.svelte'
import { Draft } from './draft.svelte'
import { Requests } from './requests.svelte'
import { Search } from './search.svelte'
import { Session } from './session.svelte'
import { Timeline } from './timeline.svelte'

/** Holds the parts together and hands each event to the part it concerns. */
export class App {
  readonly session: Session
  readonly conversations: Conversations
  readonly requests: Requests
  readonly connection: Connection
  readonly anchoring: Anchoring
  readonly search: Search
  readonly clock = new Clock()
  timeline = $state.raw<Timeline | null>(null)
  composing = $state(false)
  /** Whether the message requests are open, in the place of a conversation. */
  reviewing = $state(false)
  /** Whether the encryption key is being looked at. */
  keyOpen = $state(false)

  readonly selected = $derived.by(() => this.conversations.find(this.timeline?.id ?? null))

  readonly backend: Backend
  #drafts = new Map<string, Draft>()
  #account: string | null = null
  #wordsDue = false

  constructor(backend: Backend) {
    this.backend = backend
    this.session = new Session(backend, (state) => this.#entered(state))
    this.conversations = new Conversations(backend)
    this.requests = new Requests(backend)
    this.connection = new Connection(backend)
    this.anchoring = new Anchoring(backend)
    this.search = new Search(backend)
  }

  start(): () => void {
    const stopClock = this.clock.start()
    const stopListening = this.backend.listen({
      event: (event) => this.#heard(event),
      link: (up) => (this.connection.linked = up),
    })
    void this.session.refresh()
    return () => {
      stopListening()
      stopClock()
      this.timeline?.close()
    }
  }

  select(id: string): void {
    this.reviewing = false
    if (this.timeline?.id === id) return
    this.timeline?.close()
    this.timeline = new Timeline(this.backend, id, this.conversations.find(id)?.unread ?? 0)
    void this.timeline.load()
  }

  review(): void {
    this.timeline?.close()
    this.timeline = null
    this.reviewing = true
  }

  async acceptRequest(id: string): Promise<void> {
    if (!(await this.requests.accept(id))) return
    await this.conversations.changed([id])
    this.select(id)
  }

  async acceptKeyChange(id: string, key: string): Promise<void> {
    await this.backend.acceptKeyChange(id, key)
    await this.conversations.changed([id])
  }

  async startConversation(handle: string): Promise<void> {
    const { id } = await this.conversations.start(handle)
    this.composing = false
    this.select(id)
  }

  markRead(id: string): void {
    // Not worth a word when it fails: the next look at the conversation tries again.
    this.backend.markRead(id).catch(() => undefined)
  }

  /** The core decides whether, and how often, the other side is told. */
  typing(id: string): void {
    this.backend.typing(id).catch(() => undefined)
  }

  async setTimer(id: string, seconds: number | null): Promise<void> {
    try {
      await this.backend.setTimer(id, seconds)
      await this.conversations.changed([id])
    } catch (thrown) {
      if (this.timeline?.id === id) this.timeline.error = asErrorView(thrown)
    }
  }

  draft(id: string): Draft {
    let draft = this.#drafts.get(id)
    if (!draft) this.#drafts.set(id, (draft = this.#kept(id)))
    return draft
  }

  #kept(id: string): Draft {
    const text = this.conversations.find(id)?.draft ?? ''
    return new Draft(text, (text) => this.backend.saveDraft(id, text))
  }

  /** Opens the conversation at a message that was found. */
  jump(conversationId: string, messageId: number): void {
    this.select(conversationId)
    void this.timeline?.jump(messageId)
  }

  #entered(state: AppState): void {
    const account = state.kind === 'ready' ? state.account.did : null
    // The new key's words come before anything else.
    const wordsDue = state.kind === 'ready' && state.account.wordsDue
    if (wordsDue) this.keyOpen = false
    const written = this.#wordsDue && !wordsDue
    this.#wordsDue = wordsDue
    if (account === null) this.anchoring.clear()
    // There a key may wait for the public identity, which names another one.
    if (state.kind === 'settingUp' || state.kind === 'delegationElsewhere')
      void this.anchoring.refresh()
    if (account === this.#account) {
      // A new key: nobody has looked yet whether it is anchored.
      if (account !== null && written) void this.anchoring.start(this.clock.now)
      return
    }
    this.#account = account
    this.#leave()
    if (account === null) return
    void this.conversations.refresh()
    void this.requests.refresh()
    void this.connection.refresh()
    void this.anchoring.start(this.clock.now)
  }

  #leave(): void {
    this.timeline?.close()
    this.timeline = null
    this.composing = false
    this.reviewing = false
    this.keyOpen = false
    this.conversations.clear()
    this.requests.clear()
    this.anchoring.clear()
    this.#drafts.clear()
    this.search.clear()
  }

  #heard(event: AppEvent): void {
    if (event.kind === 'state') void this.session.refresh()
    else if (event.kind === 'openUrl') this.#open(event.url)
    else if (event.kind === 'overflowed') void this.#resync()
    else if (event.kind === 'anchoring') void this.anchoring.refresh()
    else if (this.#account === null) return
    else if (event.kind === 'conversations') void this.conversations.changed(event.ids)
    else if (event.kind === 'requests') void this.requests.refresh()
    else if (event.kind === 'connection') void this.connection.refresh()
    else if (event.kind === 'messages' && event.conversationId === this.timeline?.id) {
      void this.timeline.changed(event.ids)
    }
  }

  async #resync(): Promise<void> {
    await this.session.refresh()
    if (this.#account === null) return
    void this.conversations.refresh()
    void this.requests.refresh()
    void this.connection.refresh()
    void this.anchoring.refresh()
    void this.timeline?.resync()
  }

  #open(url: string): void {
    if (!/^https?:\/\//.test(url)) return
    this.session.openUrl = url
    this.anchoring.openUrl = url
    window.open(url, '_blank', 'noopener')
  }
}
