import type { Backend } from '$lib/backend'
import { asErrorView } from '$lib/errors'
import type { ErrorView } from '$lib/generated/ErrorView'
import type { SearchHitView } from '$lib/generated/SearchHitView'

const PAUSE = 120
const HITS = 30

/** What is looked for in all conversations, or in one. */
export class Search {
  text = $state('')
  /** The only conversation to look in. */
  within = $state<string | null>(null)
  hits = $state.raw<SearchHitView[]>([])
  active = $state(-1)
  error = $state.raw<ErrorView | null>(null)
  /** Whether the hits answer what is typed now. */
  settled = $state(false)
  /** Grows whenever the field is to have the focus. */
  called = $state(0)

  readonly open = $derived(this.text.trim() !== '')
  readonly chosen = $derived(this.hits[this.active])

  #backend: Backend
  #timer: ReturnType<typeof setTimeout> | undefined
  #asked = 0
  #more: number | null = null
  #reading = false

  constructor(backend: Backend) {
    this.#backend = backend
  }

  call(within: string | null): void {
    this.within = within
    this.called++
    if (this.open) this.typed()
  }

  typed(): void {
    this.#asked++
    clearTimeout(this.#timer)
    this.settled = false
    this.error = null
    if (!this.open) return this.#show([], null)
    this.#timer = setTimeout(() => void this.#read(null), PAUSE)
  }

  clear(): void {
    this.text = ''
    this.within = null
    this.typed()
  }

  move(step: 1 | -1): void {
    const last = this.hits.length - 1
    this.active = Math.max(Math.min(this.active + step, last), Math.min(0, last))
  }

  /** The next results, for a list that is near its end. */
  async further(): Promise<void> {
    if (this.#more === null || this.#reading || !this.settled) return
    await this.#read(this.#more)
  }

  async #read(before: number | null): Promise<void> {
    const asked = this.#asked
    this.#reading = true
    try {
      const found = await this.#backend.search(this.text, this.within, before, HITS)
      if (asked !== this.#asked) return
      this.#show(before === null ? found.hits : [...this.hits, ...found.hits], found.more)
      this.settled = true
    } catch (thrown) {
      if (asked === this.#asked) this.error = asErrorView(thrown)
    } finally {
      this.#reading = false
    }
  }

  #show(hits: SearchHitView[], more: number | null): void {
    if (hits.length <= this.hits.length || !this.settled) this.active = hits.length > 0 ? 0 : -1
    this.hits = hits
    this.#more = more
  }
}
