import type { Backend } from '$lib/backend'
import { asErrorView } from '$lib/errors'
import type { ConversationView } from '$lib/generated/ConversationView'
import type { ErrorView } from '$lib/generated/ErrorView'

/** Beyond this many changes at once, one read of the whole list is cheaper. */
const ONE_BY_ONE = 16

export class Conversations {
  list = $state.raw<ConversationView[]>([])
  loaded = $state(false)
  error = $state.raw<ErrorView | null>(null)

  readonly unread = $derived(this.list.reduce((sum, { unread }) => sum + unread, 0))

  #backend: Backend
  /** Reads follow one another, so that an older answer never covers a newer one. */
  #queue: Promise<void> = Promise.resolve()
  #pending = new Set<string>()
  #generation = 0

  constructor(backend: Backend) {
    this.#backend = backend
  }

  find(id: string | null): ConversationView | undefined {
    return this.list.find((view) => view.id === id)
  }

  clear(): void {
    this.#generation++
    this.#pending.clear()
    this.list = []
    this.loaded = false
    this.error = null
  }

  refresh(): Promise<void> {
    return this.#run(async () => {
      this.#pending.clear()
      const list = await this.#backend.conversations()
      return () => {
        this.list = list
        this.loaded = true
      }
    })
  }

  changed(ids: string[]): Promise<void> {
    const waiting = this.#pending.size > 0
    for (const id of ids) this.#pending.add(id)
    if (waiting) return this.#queue
    return this.#run(async () => {
      const wanted = [...this.#pending]
      this.#pending.clear()
      if (wanted.length > ONE_BY_ONE) {
        const list = await this.#backend.conversations()
        return () => (this.list = list)
      }
      const views = await Promise.all(wanted.map((id) => this.#backend.conversation(id)))
      return () => this.#merge(wanted, views)
    })
  }

  async start(handle: string): Promise<ConversationView> {
    const view = await this.#backend.startConversation(handle)
    this.#merge([view.id], [view])
    return view
  }

  #merge(ids: string[], views: (ConversationView | null)[]): void {
    const rest = this.list.filter(({ id }) => !ids.includes(id))
    this.list = newestFirst([...rest, ...views.filter((view) => view !== null)])
  }

  #run(read: () => Promise<() => void>): Promise<void> {
    const generation = this.#generation
    this.#queue = this.#queue.then(async () => {
      try {
        const apply = await read()
        // An answer for the account that was signed in before says nothing about this one.
        if (generation !== this.#generation) return
        apply()
        this.error = null
      } catch (thrown) {
        if (generation === this.#generation) this.error = asErrorView(thrown)
      }
    })
    return this.#queue
  }
}

/** One that has no message yet was just started: it belongs on top. */
export function newestFirst(list: ConversationView[]): ConversationView[] {
  return list.toSorted((a, b) => (b.lastAt ?? Infinity) - (a.lastAt ?? Infinity) || 0)
}
