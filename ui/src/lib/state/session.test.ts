import { expect, it, vi } from 'vitest'
import { FakeBackend } from '$lib/backend/fake'
import { settled } from '$lib/testing'
import { Session } from './session.svelte'

function open(options: ConstructorParameters<typeof FakeBackend>[0] = {}) {
  const backend = new FakeBackend({ state: { kind: 'signedOut' }, ...options })
  const session = new Session(backend, () => undefined)
  backend.listen({
    event: ({ kind }) => kind === 'state' && void session.refresh(),
    link: () => undefined,
  })
  return { backend, session }
}

it('waits for the browser, then asks for the relay', async () => {
  const { session } = open({ latency: 20 })
  const done = session.signIn('alice.bsky.social')
  const signingIn = { kind: 'signingIn', handle: 'alice.bsky.social' }
  await vi.waitFor(() => expect(session.state).toEqual(signingIn), { interval: 5 })
  expect(session.busy).toBe(true)
  await done
  expect(session.state?.kind).toBe('settingUp')
  expect(session.busy).toBe(false)
})

it('is silent about a cancellation the person asked for', async () => {
  const { session } = open({ latency: 5 })
  const done = session.signIn('alice.bsky.social')
  await new Promise((wait) => setTimeout(wait, 30))
  await session.cancelSignIn()
  await done
  expect(session.state?.kind).toBe('signedOut')
  expect(session.error).toBeNull()
})

it('shows a cancellation that came from the other side', async () => {
  const { session, backend } = open()
  backend.failures.signIn = [{ code: 'oauth.cancelled', detail: null }]
  await session.signIn('alice.bsky.social')
  expect(session.error?.code).toBe('oauth.cancelled')
})

it('keeps the state and shows the error when a step fails', async () => {
  const { session } = open({ state: { kind: 'locked', create: false } })
  await session.unlock('wrong passphrase')
  expect(session.error?.code).toBe('vault.wrong_passphrase')
  expect(session.state?.kind).toBe('locked')
})

it('says why it cannot start', async () => {
  const { session, backend } = open()
  backend.failures.state = [{ code: 'database.corrupt', detail: null }]
  await session.refresh()
  expect(session.state).toBeNull()
  expect(session.error?.code).toBe('database.corrupt')
})

it('lets no older answer cover a newer one', async () => {
  const { session, backend } = open({ state: { kind: 'locked', create: false } })
  const answers: ((kind: 'locked' | 'signedOut') => void)[] = []
  backend.state = () =>
    new Promise((done) =>
      answers.push((kind) => done(kind === 'locked' ? { kind, create: false } : { kind })),
    )
  void session.refresh()
  void session.refresh()
  answers[1]?.('signedOut')
  await settled()
  answers[0]?.('locked')
  await settled()
  expect(session.state?.kind).toBe('signedOut')
})
