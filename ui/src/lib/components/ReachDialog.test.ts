import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { FakeBackend } from '$lib/backend/fake'
import { Requests } from '$lib/state/requests.svelte'
import { settled } from '$lib/testing'
import ReachDialog from './ReachDialog.svelte'

async function open() {
  const backend = new FakeBackend()
  const requests = new Requests(backend)
  await requests.refresh()
  render(ReachDialog, { open: true, requests })
  return { backend, requests, user: userEvent.setup() }
}

function option(name: string): HTMLInputElement {
  return screen.getByTestId(`incoming-${name}`)
}

it('shows what is chosen, and explains each choice', async () => {
  await open()
  expect(option('everyone').checked).toBe(true)
  expect(screen.getAllByRole('radio')).toHaveLength(3)
  expect(screen.getByRole('radio', { name: /People I follow.*message request/ })).toBeDefined()
})

it('chooses', async () => {
  const { backend, requests, user } = await open()
  await user.click(option('following'))
  await settled()
  expect(backend.calls).toContain('setIncoming following')
  expect(requests.policy).toEqual({ incoming: 'following', published: true })
  expect(option('following').checked).toBe(true)
})

it('says that a choice counts here although it is not published yet, and tries again', async () => {
  const { backend, user } = await open()
  backend.failures.setIncoming = [{ code: 'pds.unreachable', detail: null }]
  await user.click(option('none'))
  await settled()
  expect(option('none').checked).toBe(true)
  expect(screen.getByTestId('error').dataset.code).toBe('pds.unreachable')
  expect(screen.getByText(/already counts on this computer/)).toBeDefined()
  await user.click(screen.getByText('Try again'))
  await settled()
  expect(screen.queryByTestId('error')).toBeNull()
  expect(screen.queryByText(/already counts on this computer/)).toBeNull()
})

it('offers to publish what an earlier attempt could not', async () => {
  const { backend, requests, user } = await open()
  backend.failures.setIncoming = [{ code: 'pds.unreachable', detail: null }]
  await requests.choose('following')
  requests.policyError = null
  await settled()
  await user.click(screen.getByText('Try again'))
  await settled()
  expect(requests.policy).toEqual({ incoming: 'following', published: true })
})
