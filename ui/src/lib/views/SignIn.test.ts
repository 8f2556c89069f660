import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { FakeBackend } from '$lib/backend/fake'
import { Session } from '$lib/state/session.svelte'
import SignIn from './SignIn.svelte'

function open(waitingFor: string | null = null) {
  const backend = new FakeBackend({ state: { kind: 'signedOut' } })
  const session = new Session(backend, () => undefined)
  render(SignIn, { session, waitingFor })
  return { backend, session, user: userEvent.setup() }
}

it('signs in with the handle that was meant', async () => {
  const { backend, user } = open()
  await user.type(screen.getByTestId('sign-in-handle'), '@Alice.bsky.social{Enter}')
  expect(backend.calls).toContain('signIn alice.bsky.social')
})

it('needs a handle', () => {
  open()
  expect(screen.getByTestId<HTMLButtonElement>('sign-in-submit').disabled).toBe(true)
})

it('shows the error in place and keeps what was typed', async () => {
  const { backend, user } = open()
  backend.failures.signIn = [{ code: 'handle.unknown', detail: 'dns' }]
  await user.type(screen.getByTestId('sign-in-handle'), 'nobody.example.com')
  await user.click(screen.getByTestId('sign-in-submit'))
  const error = await screen.findByTestId('error')
  expect(error.dataset.code).toBe('handle.unknown')
  expect(error.textContent).toContain('dns')
  expect(screen.getByTestId<HTMLInputElement>('sign-in-handle').value).toBe('nobody.example.com')
})

it('can be cancelled while the browser is open', async () => {
  const { backend, user } = open('alice.bsky.social')
  expect(screen.queryByTestId('sign-in-handle')).toBeNull()
  await user.click(screen.getByTestId('sign-in-cancel'))
  expect(backend.calls).toContain('cancelSignIn')
})

it('offers the page as a link, in case a popup was blocked', async () => {
  const { session } = open('alice.bsky.social')
  session.openUrl = 'https://pds.example.com/authorize'
  const link = await screen.findByRole('link')
  expect(link.getAttribute('href')).toBe('https://pds.example.com/authorize')
})
