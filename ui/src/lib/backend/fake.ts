import type { AppState } from '$lib/generated/AppState'
import type { Backend } from './backend'
import { anchoringFromLocation } from './fake-anchoring'
import { fakeAccount, type FakeOptions } from './fake-base'
import { conversationId, crowd, seed } from './fake-data'
import { FakeRelay } from './fake-relay'
import { demoRequests } from './fake-requests'

export { fakeAccount, type FakeOptions }

/**
 * A core in memory: no network, no keys, the same answers and events. Each topic is a layer that
 * stands on the one before: base, account, keys, conversations, messages, attachments, deeds,
 * comparing, reach, relay.
 */
export class FakeBackend extends FakeRelay implements Backend {
  constructor(options: FakeOptions = {}) {
    super(options)
  }
}

/** `?state=signedOut&offline&empty&anchor=absent` opens the fake in that state; `window.fake` steers it further. */
export function fakeFromLocation(search: string): FakeBackend {
  const query = new URLSearchParams(search)
  const account = fakeAccount
  const states: Record<string, AppState> = {
    locked: { kind: 'locked', create: false },
    lockedCreate: { kind: 'locked', create: true },
    signedOut: { kind: 'signedOut' },
    signingIn: { kind: 'signingIn', handle: account.handle },
    settingUp: { kind: 'settingUp', account, defaultRelay: 'relay.sotto.chat' },
    delegationElsewhere: { kind: 'delegationElsewhere', account },
    words: { kind: 'ready', account: { ...fakeAccount, wordsDue: true } },
  }
  const data = query.has('empty')
    ? { conversations: [], messages: new Map() }
    : query.has('many')
      ? crowd(seed(Date.now()), Number(query.get('many')))
      : undefined
  const state = states[query.get('state') ?? '']
  const fake = new FakeBackend({
    latency: 120,
    ...(state && { state }),
    ...(data ? { seed: data } : { requests: demoRequests(Date.now()) }),
    anchoring: anchoringFromLocation(query.get('anchor')),
  })
  if (query.has('offline')) {
    fake.connect({ state: 'offline', error: { code: 'relay.unreachable', detail: null } })
  }
  const hold = query.get('hold')
  if (hold) {
    const confirmed = query.has('confirmed')
    fake.hold(conversationId(0), { code: hold, key: 'did:key:z6MkFake', confirmed })
  }
  Object.assign(window, { fake })
  return fake
}
