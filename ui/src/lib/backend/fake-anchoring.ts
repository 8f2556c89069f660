import type { AnchoringView } from '$lib/generated/AnchoringView'
import type { ErrorView } from '$lib/generated/ErrorView'

const KEY = 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK'

export const webAnchor = {
  documentUrl: 'https://alice.example/.well-known/did.json',
  entry: JSON.stringify(
    {
      id: 'did:web:alice.example#e2ee',
      type: 'Multikey',
      controller: 'did:web:alice.example',
      publicKeyMultibase: KEY,
    },
    null,
    2,
  ),
}

export function fakeAnchoring(more: Partial<AnchoringView> = {}): AnchoringView {
  const at = Date.now()
  return {
    key: `did:key:${KEY}`,
    standing: 'anchored',
    since: at,
    checkedAt: at,
    web: null,
    step: 'idle',
    removing: false,
    successor: null,
    ...more,
  }
}

/** A PDS whose code is anything but "wrong". */
export class FakeAnchoring {
  view: AnchoringView
  #latency: number
  #announce: () => void
  #cancelled: ((error: ErrorView) => void) | undefined

  constructor(view: AnchoringView, latency: number, announce: () => void) {
    this.view = view
    this.#latency = latency
    this.#announce = announce
  }

  #become(more: Partial<AnchoringView>): AnchoringView {
    this.view = { ...this.view, ...more }
    this.#announce()
    return this.view
  }

  /** A next key waits until this identity names it. */
  wait(successor: string): void {
    this.#become({ successor })
  }

  check(): AnchoringView {
    const standing = this.view.standing === 'unknown' ? 'absent' : this.view.standing
    return this.#become({ standing, checkedAt: Date.now() })
  }

  async begin(removing: boolean): Promise<AnchoringView> {
    this.#become({ step: 'browser', removing })
    await new Promise<void>((done, fail) => {
      this.#cancelled = fail
      setTimeout(done, this.#latency * 20)
    })
    return this.#become({ step: 'code' })
  }

  finish(code: string): AnchoringView {
    if (this.view.step !== 'code') throw { code: 'anchor.permission_ended', detail: null }
    if (code.startsWith('wrong')) throw { code: 'anchor.code_wrong', detail: null }
    const standing = this.view.removing ? 'absent' : 'anchored'
    const key = this.view.successor ?? this.view.key
    const done = { step: 'idle', removing: false, successor: null } as const
    return this.#become({ key, standing, since: Date.now(), ...done })
  }

  cancel(): AnchoringView {
    this.#cancelled?.({ code: 'oauth.cancelled', detail: null })
    return this.#become({ step: 'idle', removing: false, successor: null })
  }
}

/** `absent`, `otherKey`, `unknown`, `web`; anything else is anchored. */
export function anchoringFromLocation(wanted: string | null): Partial<AnchoringView> {
  if (wanted === 'web') return { standing: 'absent', web: webAnchor }
  if (wanted === 'absent' || wanted === 'otherKey') return { standing: wanted }
  if (wanted === 'unknown') return { standing: wanted, since: null, checkedAt: null }
  return {}
}
