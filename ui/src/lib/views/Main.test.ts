import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { settled, startApp } from '$lib/testing'
import App from '../../App.svelte'

async function open(options: Parameters<typeof startApp>[0] = {}) {
  const { app, backend, stop } = await startApp(options)
  // The view starts the app itself.
  stop()
  render(App, { app })
  await settled()
  return { app, backend, user: userEvent.setup() }
}

it('opens a conversation, with the person on top', async () => {
  const { user } = await open()
  await user.click(screen.getByTestId('conversation-item'))
  expect(screen.getByTestId('peer').dataset.handle).toBe('bob.example.com')
  expect(screen.getByTestId('composer-input')).toBeDefined()
})

it('opens the new conversation with Ctrl+N', async () => {
  const { user } = await open()
  await user.keyboard('{Control>}n{/Control}')
  expect(await screen.findByTestId('new-conversation-handle')).toBeDefined()
})

it('asks before it signs out', async () => {
  const { backend, user } = await open()
  await user.click(screen.getByTestId('account-menu'))
  await user.click(await screen.findByTestId('sign-out'))
  expect(backend.calls).not.toContain('signOut')
  await user.click(await screen.findByTestId('sign-out-confirm'))
  expect(await screen.findByTestId('sign-in-handle')).toBeDefined()
})

it('helps where there is nothing yet', async () => {
  await open({ seed: { conversations: [], messages: new Map() } })
  expect(screen.getByText('It is quiet here')).toBeDefined()
})

it('never overwrites a key that lives elsewhere', async () => {
  const account = {
    did: 'did:plc:a',
    handle: 'alice.bsky.social',
    displayName: null,
    avatar: null,
    relay: null,
    wordsDue: false,
  }
  await open({ state: { kind: 'delegationElsewhere', account } })
  expect(screen.getByText(/Nothing was changed/)).toBeDefined()
  const offered = screen.getAllByRole('button').map((button) => button.dataset.testid)
  expect(offered).toEqual(['elsewhere-words', 'elsewhere-lost', 'sign-out'])
})
