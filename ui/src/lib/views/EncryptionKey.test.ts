import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { settled, startApp } from '$lib/testing'
import App from '../../App.svelte'

async function open() {
  const { app, backend, stop } = await startApp()
  stop()
  render(App, { app })
  await settled()
  const user = userEvent.setup()
  await user.click(screen.getByTestId('account-menu'))
  await user.click(await screen.findByTestId('encryption-key'))
  return { backend, user }
}

it('replaces the key after asking, and shows the new words', async () => {
  const { backend, user } = await open()
  await user.click(await screen.findByTestId('rotate'))
  expect(backend.calls).not.toContain('rotateKey')
  await user.click(screen.getByTestId('rotate-confirm'))
  expect(await screen.findByTestId('recovery-words')).toBeDefined()
})

it('stays open and says why the key was not replaced', async () => {
  const { backend, user } = await open()
  backend.failures.rotateKey = [{ code: 'delegation.anchored', detail: null }]
  await user.click(await screen.findByTestId('rotate'))
  await user.click(screen.getByTestId('rotate-confirm'))
  expect((await screen.findByTestId('error')).dataset.code).toBe('delegation.anchored')
  expect(screen.getByTestId('rotate-confirm')).toBeDefined()
})

it('takes the delegation back after asking', async () => {
  const { backend, user } = await open()
  await user.click(await screen.findByTestId('revoke'))
  expect(backend.calls).not.toContain('revoke')
  await user.click(screen.getByTestId('revoke-confirm'))
  expect(await screen.findByTestId('set-up-relay')).toBeDefined()
})
