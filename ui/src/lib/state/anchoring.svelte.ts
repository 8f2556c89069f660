import type { Backend } from '$lib/backend'
import { asErrorView } from '$lib/errors'
import type { AnchoringView } from '$lib/generated/AnchoringView'
import type { ErrorView } from '$lib/generated/ErrorView'

const DAY = 86_400_000

/** The own key in the account's DID document. */
export class Anchoring {
  view = $state.raw<AnchoringView | null>(null)
  error = $state.raw<ErrorView | null>(null)
  busy = $state(false)
  /** The consent page, where this window has to open it itself. */
  openUrl = $state<string | null>(null)
  /** The hint was put off, until the next start. */
  later = $state(false)

  /** What the main window should hint at, if anything. */
  readonly hint = $derived.by(() => {
    const standing = this.view?.standing
    return !this.later && (standing === 'absent' || standing === 'otherKey') ? standing : null
  })

  #backend: Backend
  #asked = 0
  #cancelling = false

  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** Shows what was seen last, and looks again once a day. */
  async start(now: number): Promise<void> {
    await this.refresh()
    const checkedAt = this.view?.checkedAt ?? 0
    // Nobody asked: what cannot be looked up now is not worth a word.
    if (this.view && now - checkedAt > DAY) await this.#settle(this.#backend.checkAnchoring(), true)
  }

  async refresh(): Promise<void> {
    const asked = ++this.#asked
    const view = await this.#backend.anchoring().catch(() => null)
    if (view && asked === this.#asked) this.#become(view)
  }

  check(): Promise<void> {
    return this.#act(() => this.#backend.checkAnchoring())
  }

  begin(remove: boolean): Promise<void> {
    this.#cancelling = false
    this.openUrl = null
    return this.#act(() => this.#backend.beginAnchoring(remove))
  }

  finish(code: string): Promise<void> {
    return this.#act(() => this.#backend.finishAnchoring(code))
  }

  async cancel(): Promise<void> {
    this.#cancelling = true
    this.error = null
    await this.#settle(this.#backend.cancelAnchoring())
  }

  clear(): void {
    this.#asked++
    this.view = null
    this.error = null
    this.openUrl = null
    this.later = false
  }

  async #act(action: () => Promise<AnchoringView>): Promise<void> {
    this.error = null
    this.busy = true
    await this.#settle(action())
    this.busy = false
    this.#cancelling = false
  }

  async #settle(answer: Promise<AnchoringView>, quiet = false): Promise<void> {
    try {
      const view = await answer
      this.#asked++
      this.#become(view)
    } catch (thrown) {
      const error = asErrorView(thrown)
      const wanted = this.#cancelling && error.code === 'oauth.cancelled'
      if (!quiet && !wanted) this.error = error
      await this.refresh()
    }
  }

  #become(view: AnchoringView): void {
    if (view.step !== 'browser') this.openUrl = null
    this.view = view
  }
}
