import type { Backend } from '$lib/backend'
import { asErrorView } from '$lib/errors'
import type { AppState } from '$lib/generated/AppState'
import type { ErrorView } from '$lib/generated/ErrorView'

/** Who is signed in, and everything on the way there. */
export class Session {
  state = $state.raw<AppState | null>(null)
  error = $state.raw<ErrorView | null>(null)
  busy = $state(false)
  /** The sign-in page, where this window has to open it itself. */
  openUrl = $state<string | null>(null)

  #backend: Backend
  #changed: (state: AppState) => void
  #asked = 0
  #cancelling = false

  constructor(backend: Backend, changed: (state: AppState) => void) {
    this.#backend = backend
    this.#changed = changed
  }

  async refresh(): Promise<void> {
    const asked = ++this.#asked
    try {
      const state = await this.#backend.state()
      // A newer answer may have overtaken this one.
      if (asked === this.#asked) this.#become(state)
    } catch (thrown) {
      if (asked === this.#asked && this.state === null) this.error = asErrorView(thrown)
    }
  }

  unlock(passphrase: string): Promise<void> {
    return this.#act(() => this.#backend.unlock(passphrase))
  }

  signIn(handle: string): Promise<void> {
    this.#cancelling = false
    this.openUrl = null
    return this.#act(() => this.#backend.signIn(handle))
  }

  async cancelSignIn(): Promise<void> {
    this.#cancelling = true
    try {
      this.#settle(await this.#backend.cancelSignIn())
    } catch (thrown) {
      this.error = asErrorView(thrown)
    }
  }

  setUp(relay: string): Promise<void> {
    return this.#act(() => this.#backend.setUp(relay))
  }

  confirmRecoveryWords(): Promise<void> {
    return this.#act(() => this.#backend.confirmRecoveryWords())
  }

  rotateKey(): Promise<void> {
    return this.#act(() => this.#backend.rotateKey())
  }

  recover(words: string): Promise<void> {
    return this.#act(() => this.#backend.recover(words))
  }

  replaceKey(handle: string): Promise<void> {
    return this.#act(() => this.#backend.replaceKey(handle))
  }

  revoke(): Promise<void> {
    return this.#act(() => this.#backend.revoke())
  }

  signOut(): Promise<void> {
    return this.#act(() => this.#backend.signOut())
  }

  dismissError(): void {
    this.error = null
  }

  async #act(action: () => Promise<AppState>): Promise<void> {
    this.error = null
    this.busy = true
    try {
      this.#settle(await action())
    } catch (thrown) {
      const error = asErrorView(thrown)
      const wanted = this.#cancelling && error.code === 'oauth.cancelled'
      if (!wanted) this.error = error
      await this.refresh()
    } finally {
      this.busy = false
      this.#cancelling = false
    }
  }

  #settle(state: AppState): void {
    this.#asked++
    this.#become(state)
  }

  #become(state: AppState): void {
    if (state.kind !== 'signingIn') this.openUrl = null
    this.state = state
    this.#changed(state)
  }
}
