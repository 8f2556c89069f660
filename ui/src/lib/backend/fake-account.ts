import type { AccountView } from '$lib/generated/AccountView'
import type { AppState } from '$lib/generated/AppState'
import type { ErrorView } from '$lib/generated/ErrorView'
import { fakeAccount, FakeBase, type FakeOptions } from './fake-base'

/** The way to an account that is set up, and out of it. */
export abstract class FakeAccount extends FakeBase {
  protected phase: AppState
  #cancelled: ((error: ErrorView) => void) | undefined

  constructor(options: FakeOptions) {
    super(options)
    this.phase = options.state ?? { kind: 'ready', account: fakeAccount }
  }

  protected become(state: AppState): AppState {
    this.phase = state
    this.emit({ kind: 'state' })
    return state
  }

  protected account(more: Partial<AccountView>): AppState {
    const account = 'account' in this.phase ? this.phase.account : fakeAccount
    return this.become({
      kind: 'ready',
      account: { ...account, relay: fakeAccount.relay, ...more },
    })
  }

  async state() {
    await this.enter('state')
    return this.phase
  }

  async unlock(passphrase: string) {
    await this.enter('unlock')
    if (passphrase.length < 8) throw { code: 'vault.passphrase_too_short', detail: null }
    if (passphrase === 'wrong passphrase') throw { code: 'vault.wrong_passphrase', detail: null }
    return this.become({ kind: 'signedOut' })
  }

  async signIn(handle: string) {
    await this.enter('signIn', handle)
    if (!handle.includes('.')) throw { code: 'handle.invalid', detail: null }
    this.become({ kind: 'signingIn', handle })
    await new Promise<void>((done, fail) => {
      this.#cancelled = fail
      setTimeout(done, this.latency * 20)
    })
    const account = { ...fakeAccount, handle, relay: null }
    if (handle.startsWith('elsewhere.'))
      return this.become({ kind: 'delegationElsewhere', account })
    return this.become({ kind: 'settingUp', account, defaultRelay: 'relay.sotto.chat' })
  }

  async cancelSignIn() {
    await this.enter('cancelSignIn')
    this.#cancelled?.({ code: 'oauth.cancelled', detail: null })
    return this.become({ kind: 'signedOut' })
  }

  async setUp(relay: string) {
    await this.enter('setUp', relay)
    if (!relay.includes('.')) throw { code: 'relay.domain_invalid', detail: null }
    const account = 'account' in this.phase ? this.phase.account : fakeAccount
    return this.become({ kind: 'ready', account: { ...account, relay, wordsDue: true } })
  }

  async revoke() {
    await this.enter('revoke')
    const account = 'account' in this.phase ? this.phase.account : fakeAccount
    return this.become({
      kind: 'settingUp',
      account: { ...account, relay: null, wordsDue: false },
      defaultRelay: 'relay.sotto.chat',
    })
  }

  async signOut() {
    await this.enter('signOut')
    return this.become({ kind: 'signedOut' })
  }
}
