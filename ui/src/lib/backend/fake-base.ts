import type { AccountView } from '$lib/generated/AccountView'
import type { AnchoringView } from '$lib/generated/AnchoringView'
import type { AppEvent } from '$lib/generated/AppEvent'
import type { AppState } from '$lib/generated/AppState'
import type { ConversationView } from '$lib/generated/ConversationView'
import type { ErrorView } from '$lib/generated/ErrorView'
import type { MessageView } from '$lib/generated/MessageView'
import type { RequestsView } from '$lib/generated/RequestsView'
import type { Backend, Listener } from './backend'
import { nothingMore, seed, summary, type Seed } from './fake-data'

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

/** What every layer of the fake stands on: the listeners, and the conversations it holds. */
export abstract class FakeBase {
  #listeners = new Set<Listener>()
  protected seed: Seed
  protected latency: number
  protected nextId = 10_000
  /** Codes that the named command answers with, once per entry. */
  failures: Partial<Record<keyof Backend, ErrorView[]>> = {}
  calls: string[] = []

  constructor(options: FakeOptions) {
    this.seed = options.seed ?? seed(Date.now())
    this.latency = options.latency ?? 0
  }

  protected async enter(command: keyof Backend, detail = ''): Promise<void> {
    this.calls.push(detail ? `${command} ${detail}` : command)
    if (this.latency > 0) await new Promise((done) => setTimeout(done, this.latency))
    const failure = this.failures[command]?.shift()
    if (failure) throw failure
  }

  emit(event: AppEvent): void {
    for (const { event: hear } of this.#listeners) hear(event)
  }

  link(up: boolean): void {
    for (const listener of this.#listeners) listener.link(up)
  }

  listen(listener: Listener) {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  protected find(id: string): ConversationView | undefined {
    return this.seed.conversations.find((view) => view.id === id)
  }

  protected message(id: number): MessageView | undefined {
    return [...this.seed.messages.values()].flat().find((message) => message.id === id)
  }

  protected existing(id: number): MessageView {
    const message = this.message(id)
    if (!message || message.deleted) throw { code: 'message.unknown', detail: null }
    return message
  }

  protected talk(conversationId: string): MessageView[] {
    return this.seed.messages.get(conversationId) ?? []
  }

  protected add(
    conversationId: string,
    mine: boolean,
    text: string | null,
    state: MessageView['state'],
  ): MessageView {
    const id = this.nextId++
    const sentAt = Date.now()
    const plain = { id, conversationId, mine, text, sentAt, state, error: null }
    const message: MessageView = { ...plain, ...nothingMore() }
    this.talk(conversationId).push(message)
    this.announce(message)
    return message
  }

  protected announce({ id, conversationId }: MessageView): void {
    const view = this.find(conversationId)
    if (view) Object.assign(view, summary(view, this.talk(conversationId)))
    this.emit({ kind: 'messages', conversationId, ids: [id] })
    this.emit({ kind: 'conversations', ids: [conversationId] })
  }
}
