import type { Backend } from '$lib/backend'
import { asErrorView } from '$lib/errors'
import type { ErrorView } from '$lib/generated/ErrorView'
import type { SuggestionView } from '$lib/generated/SuggestionView'

const PAUSE = 180
const SHORTEST = 2

export class Suggestions {
  list = $state.raw<SuggestionView[]>([])
  active = $state(-1)
  error = $state.raw<ErrorView | null>(null)
  /** Whether the list answers what is typed now. */
  settled = $state(false)

  readonly chosen = $derived(this.list[this.active])

  #backend: Backend
  #timer: ReturnType<typeof setTimeout> | undefined
  #asked = 0

  constructor(backend: Backend) {
    this.#backend = backend
  }

  query(text: string): void {
    this.#asked++
    clearTimeout(this.#timer)
    this.active = -1
    this.settled = false
    this.error = null
    if (text.length < SHORTEST) {
      this.list = []
      return
    }
    this.#timer = setTimeout(() => void this.#ask(text), PAUSE)
  }

  /** Arrow keys: past either end stands the typed text itself. */
  move(step: 1 | -1): void {
    const places = this.list.length + 1
    this.active = ((this.active + 1 + step + places) % places) - 1
  }

  stop(): void {
    this.#asked++
    clearTimeout(this.#timer)
  }

  async #ask(text: string): Promise<void> {
    const asked = this.#asked
    try {
      const list = await this.#backend.suggestions(text)
      if (asked !== this.#asked) return
      this.list = list
    } catch (thrown) {
      if (asked !== this.#asked) return
      this.list = []
      this.error = asErrorView(thrown)
    }
    this.active = -1
    this.settled = true
  }
}
