import type { Backend } from '$lib/backend'
import { asErrorView } from '$lib/errors'
import type { ErrorView } from '$lib/generated/ErrorView'
import type { MessageView } from '$lib/generated/MessageView'
import { joinNewest, joinOlder, replace } from './merge'

export const PAGE = 50
/** How many pages back a gap is filled before the timeline simply starts anew at its end. */
const GAP_PAGES = 4

/** The part of a conversation that is shown, in the order the core gives: paging, jumping, refreshing. */
export class Passage {
  messages = $state.raw<MessageView[]>([])
  loaded = $state(false)
  hasOlder = $state(false)
  loadingOlder = $state(false)
  /** Whether what is shown ends before the conversation does: after a jump into the past. */
  hasNewer = $state(false)
  loadingNewer = $state(false)
  /** The message that was jumped to, anew with every jump. */
  target = $state.raw<{ id: number } | null>(null)
  error = $state.raw<ErrorView | null>(null)
  /** Whether the last change put messages in front; the virtual list must know. */
  prepended = $state(false)
  /** Received while the end was out of sight. */
  unseen = $state(0)
  /** Where "new messages" begins. */
  firstUnread = $state<number | null>(null)
  /** The message to read out. */
  arrived = $state.raw<MessageView | null>(null)

  readonly id: string
  protected readonly backend: Backend
  #unreadAtOpen: number
  #queue: Promise<void> = Promise.resolve()
  #pending = new Set<number>()
  #atEnd = true
  #attended = true
  #closed = false

  constructor(backend: Backend, id: string, unread: number) {
    this.backend = backend
    this.id = id
    this.#unreadAtOpen = unread
  }

  close(): void {
    this.#closed = true
  }

  /** What the person can see: the end of the list, in a window that has the focus. */
  watch(atEnd: boolean, attended: boolean): void {
    this.#atEnd = atEnd
    this.#attended = attended
    if (atEnd && attended) this.unseen = 0
  }

  load(): Promise<void> {
    return this.run(async () => {
      await this.#readNewest()
      if (!this.loaded) this.firstUnread = this.#findFirstUnread()
      this.loaded = true
    })
  }

  /** After missed events: everything that is shown may have changed. */
  resync(): Promise<void> {
    return this.run(async () => {
      if (!this.hasNewer) await this.#readNewest()
      await this.#readAgain(this.messages.map(({ id }) => id))
      this.loaded = true
    })
  }

  loadOlder(): Promise<void> {
    if (this.loadingOlder || !this.hasOlder) return this.#queue
    this.loadingOlder = true
    return this.run(async () => {
      const page = await this.#page(this.messages[0]?.id ?? null)
      this.hasOlder = page.length === PAGE
      this.show(joinOlder(this.messages, page), true)
    }).finally(() => (this.loadingOlder = false))
  }

  loadNewer(): Promise<void> {
    if (this.loadingNewer || !this.hasNewer) return this.#queue
    this.loadingNewer = true
    return this.run(async () => {
      const last = this.messages.at(-1)?.id ?? 0
      const page = await this.backend.messagesAfter(this.id, last, PAGE)
      this.hasNewer = page.length === PAGE
      this.show([...this.messages, ...page])
    }).finally(() => (this.loadingNewer = false))
  }

  /** Shows the conversation around a message, and on from there in both directions. */
  jump(messageId: number): Promise<void> {
    return this.run(async () => {
      if (!this.messages.some(({ id }) => id === messageId)) {
        const page = await this.backend.messagesAround(this.id, messageId, PAGE)
        const at = page.findIndex(({ id }) => id >= messageId)
        this.hasOlder = at < 0 || at >= PAGE / 2
        this.hasNewer = page.length === PAGE
        this.show(page)
        this.loaded = true
      }
      this.target = { id: messageId }
    })
  }

  /** Back to where the conversation is now. */
  toNewest(): Promise<void> {
    if (!this.hasNewer) return this.#queue
    return this.run(async () => {
      this.hasNewer = false
      this.show([])
      await this.#readNewest()
    })
  }

  changed(ids: number[]): Promise<void> {
    const waiting = this.#pending.size > 0
    for (const id of ids) this.#pending.add(id)
    if (waiting) return this.#queue
    return this.run(async () => {
      const asked = [...this.#pending]
      this.#pending.clear()
      const shown = new Set(this.messages.map(({ id }) => id))
      const known = asked.filter((id) => shown.has(id))
      if (known.length < asked.length) await this.#readUnknown(asked.filter((id) => !shown.has(id)))
      if (known.length > 0) await this.#readAgain(known)
    })
  }

  async #readNewest(): Promise<void> {
    let page = await this.#page(null)
    let complete = page.length < PAGE
    let joined = joinNewest(this.messages, page, complete)
    for (let more = 0; joined === null && more < GAP_PAGES; more++) {
      const older = await this.#page(page[0]?.id ?? null)
      complete = older.length < PAGE
      page = joinOlder(page, older)
      joined = joinNewest(this.messages, page, complete)
    }
    // Joined to what is shown, the page says nothing about what lies further back.
    const restarted = joined === null || this.messages.length === 0
    if (complete || restarted) this.hasOlder = !complete
    const fresh = joined ?? page
    if (this.loaded) this.#notice(fresh)
    this.show(fresh)
  }

  async #readUnknown(ids: number[]): Promise<void> {
    if (!this.hasNewer) return this.#readNewest()
    // They belong below what is shown, and are counted where the end is out of sight.
    const views = await this.backend.messagesById(ids)
    const last = this.messages.at(-1)?.id ?? 0
    this.#notice(views.filter(({ id }) => id > last))
  }

  async #readAgain(ids: number[]): Promise<void> {
    if (ids.length === 0) return
    const views = await this.backend.messagesById(ids)
    this.show(replace(this.messages, ids, views))
  }

  #notice(fresh: MessageView[]): void {
    const known = new Set(this.messages.map(({ id }) => id))
    const received = fresh.filter(({ id, mine }) => !mine && !known.has(id))
    const first = received[0]
    if (!first) return
    this.arrived = received.at(-1) ?? null
    if (this.#atEnd && this.#attended) return
    this.unseen += received.length
    this.firstUnread ??= first.id
  }

  #findFirstUnread(): number | null {
    if (this.#unreadAtOpen === 0) return null
    const received = this.messages.filter(({ mine, notice }) => !mine && notice === null)
    return received.at(-this.#unreadAtOpen)?.id ?? null
  }

  #page(before: number | null): Promise<MessageView[]> {
    return this.backend.messages(this.id, before, PAGE)
  }

  protected show(messages: MessageView[], prepended = false): void {
    if (this.#closed) return
    this.prepended = prepended
    this.messages = messages
  }

  /** One read after the other, so that an older answer never covers a newer one. */
  protected run(task: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(async () => {
      if (this.#closed) return
      try {
        await task()
        this.error = null
      } catch (thrown) {
        this.error = asErrorView(thrown)
      }
    })
    return this.#queue
  }
}
