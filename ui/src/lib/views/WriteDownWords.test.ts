import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { fakeAccount } from '$lib/backend/fake'
import { settled, startApp } from '$lib/testing'
import App from '../../App.svelte'

async function open() {
  const { app, backend, stop } = await startApp({
    state: { kind: 'ready', account: { ...fakeAccount, wordsDue: true } },
  })
  stop()
  render(App, { app })
  await settled()
  return { app, backend, user: userEvent.setup() }
}

it('shows all words in their order, and nothing else before they are written down', async () => {
  const { backend } = await open()
  const words = screen.getByTestId('recovery-words').querySelectorAll('li')
  expect(words).toHaveLength(24)
  expect(words[23]?.textContent).toBe('art')
  expect(screen.queryByTestId('conversation-item')).toBeNull()
  expect(screen.getByTestId<HTMLButtonElement>('words-done').disabled).toBe(true)
  expect(backend.calls).not.toContain('confirmRecoveryWords')
})

it('goes on when they are written down, and keeps no word', async () => {
  const { user } = await open()
  await user.click(screen.getByTestId('words-written'))
  await user.click(screen.getByTestId('words-done'))
  expect(await screen.findByTestId('conversation-item')).toBeDefined()
  expect(document.body.textContent).not.toContain('abandon')
})

it('says why there are none, and lets go on', async () => {
  const { app, backend, stop } = await startApp({
    state: { kind: 'ready', account: { ...fakeAccount, wordsDue: true } },
  })
  stop()
  backend.failures.recoveryWords = [{ code: 'recovery.not_shown_again', detail: null }]
  render(App, { app })
  expect((await screen.findByTestId('error')).dataset.code).toBe('recovery.not_shown_again')
  const user = userEvent.setup()
  await user.click(screen.getByTestId('words-written'))
  await user.click(screen.getByTestId('words-done'))
  expect(backend.calls).toContain('confirmRecoveryWords')
})
