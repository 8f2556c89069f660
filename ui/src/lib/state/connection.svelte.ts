import type { Backend } from '$lib/backend'
import type { ConnectionView } from '$lib/generated/ConnectionView'

/** The way to the relay, and the way to the core itself. */
export class Connection {
  view = $state.raw<ConnectionView>({ state: 'connecting', error: null })
  linked = $state(true)

  readonly state = $derived(this.linked ? this.view.state : 'offline')
  readonly error = $derived(
    this.linked ? this.view.error : { code: 'core.unreachable', detail: null },
  )

  #backend: Backend
  #asked = 0

  constructor(backend: Backend) {
    this.#backend = backend
  }

  async refresh(): Promise<void> {
    const asked = ++this.#asked
    const view = await this.#backend.connection().catch(() => null)
    if (view && asked === this.#asked) this.view = view
  }
}
