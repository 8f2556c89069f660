import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { conversationId } from '$lib/backend/fake-data'
import type { HoldView } from '$lib/generated/HoldView'
import { settled, startApp } from '$lib/testing'
import App from '../../App.svelte'

const changed: HoldView = { code: 'account.key_changed', key: 'did:key:z6MkNew', confirmed: false }

async function open(hold: HoldView) {
  const { app, backend, stop } = await startApp()
  stop()
  render(App, { app })
  await settled()
  backend.hold(conversationId(0), hold)
  await settled()
  const user = userEvent.setup()
  await user.click(screen.getByTestId('conversation-item'))
  return { backend, user }
}

it('is a quiet line with one action where the person was never confirmed', async () => {
  const { backend, user } = await open(changed)
  expect(screen.getByTestId('hold').getAttribute('role')).toBe('status')
  expect(screen.getByTestId('composer-input')).toBeDefined()
  await user.click(screen.getByTestId('accept-key'))
  await settled()
  expect(backend.calls).toContain('acceptKeyChange did:key:z6MkNew')
  expect(screen.queryByTestId('hold')).toBeNull()
})

it('takes the place of the composer where the person was confirmed', async () => {
  const { user } = await open({ ...changed, confirmed: true })
  expect(screen.getByTestId('hold').getAttribute('role')).toBe('alert')
  expect(screen.queryByTestId('composer-input')).toBeNull()
  await user.click(screen.getByTestId('accept-key'))
  expect(await screen.findByTestId('composer-input')).toBeDefined()
})

it('says why a change could not be accepted, and keeps it', async () => {
  const { backend, user } = await open(changed)
  backend.failures.acceptKeyChange = [{ code: 'pds.unreachable', detail: null }]
  await user.click(screen.getByTestId('accept-key'))
  expect((await screen.findByTestId('error')).dataset.code).toBe('pds.unreachable')
  expect(screen.getByTestId('accept-key')).toBeDefined()
})

it('offers nothing to accept where the person has left', async () => {
  await open({ code: 'account.no_delegation', key: null, confirmed: false })
  expect(screen.getByTestId('hold').textContent).toContain('no longer uses Sotto')
  expect(screen.queryByTestId('accept-key')).toBeNull()
})
