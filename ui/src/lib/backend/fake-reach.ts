import type { IncomingPolicy } from '$lib/generated/IncomingPolicy'
import type { PolicyView } from '$lib/generated/PolicyView'
import type { RequestsView } from '$lib/generated/RequestsView'
import type { FakeOptions } from './fake-base'
import { FakeComparing } from './fake-comparing'
import { accepted } from './fake-requests'

/** Message requests, and from whom there are any. */
export abstract class FakeReach extends FakeComparing {
  #requests: RequestsView
  #policy: PolicyView = { incoming: 'everyone', published: true }

  constructor(options: FakeOptions) {
    super(options)
    this.#requests = options.requests ?? { requests: [], dropped: 0 }
  }

  async requests() {
    await this.enter('requests')
    return structuredClone(this.#requests)
  }

  async acceptRequest(id: string) {
    await this.enter('acceptRequest', id)
    const request = this.#take(id)
    const { view, messages } = accepted(request, this.nextId)
    this.nextId += messages.length
    this.seed.conversations.push(view)
    this.seed.messages.set(id, messages)
    this.emit({ kind: 'conversations', ids: [id] })
    return structuredClone(view)
  }

  async declineRequest(id: string) {
    await this.enter('declineRequest', id)
    this.#take(id)
    return null
  }

  #take(id: string): RequestsView['requests'][number] {
    const found = this.#requests.requests.find((request) => request.id === id)
    if (!found) throw { code: 'conversation.unknown', detail: null }
    this.ask({ requests: this.#requests.requests.filter((it) => it !== found), dropped: 0 })
    return found
  }

  /** A first message of someone who is not let straight in. */
  ask(requests: RequestsView): void {
    this.#requests = requests
    this.emit({ kind: 'requests' })
  }

  async policy() {
    await this.enter('policy')
    return this.#policy
  }

  async setIncoming(policy: IncomingPolicy) {
    this.#policy = { incoming: policy, published: false }
    await this.enter('setIncoming', policy)
    this.#policy = { incoming: policy, published: true }
    this.emit({ kind: 'requests' })
    return this.#policy
  }
}
