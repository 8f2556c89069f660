import { render, screen, within } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { demoRequests } from '$lib/backend/fake-requests'
import { settled, startApp } from '$lib/testing'
import App from '../../App.svelte'

async function open(requests = demoRequests(Date.now())) {
  const { app, backend, stop } = await startApp({ requests })
  // The view starts the app itself.
  stop()
  render(App, { app })
  await settled()
  return { app, backend, user: userEvent.setup() }
}

function card(handle: string) {
  const found = screen.getAllByTestId('request').find((it) => it.dataset.handle === handle)
  if (!found) throw new Error(`no request of ${handle}`)
  return within(found)
}

it('shows who waits above the conversations, and apart from them', async () => {
  const { app, user } = await open()
  expect(screen.getByTestId('requests-row').textContent).toContain('Message requests (2)')
  expect(screen.getAllByTestId('conversation-item')).toHaveLength(1)
  expect(app.conversations.unread).toBe(0)
  await user.click(screen.getByTestId('requests-row'))
  expect(screen.getAllByTestId('request')).toHaveLength(2)
  expect(screen.getByText(/3 older ones were dropped/)).toBeDefined()
  expect(card('prize-desk-4471.bsky.social').getByText(/cannot show/)).toBeDefined()
})

it('has no row where nobody waits', async () => {
  await open({ requests: [], dropped: 0 })
  expect(screen.queryByTestId('requests-row')).toBeNull()
})

it('shows the handle and nothing that a stranger chose', async () => {
  const requests = demoRequests(Date.now())
  for (const { peer } of requests.requests) {
    peer.avatar = 'data:image/png;base64,AAAA'
    peer.displayName = 'Sotto Support'
  }
  const { user } = await open(requests)
  await user.click(screen.getByTestId('requests-row'))
  const list = screen.getByTestId('requests')
  expect(list.querySelector('img')).toBeNull()
  expect(list.textContent).not.toContain('Sotto Support')
})

it('opens the conversation with someone who is accepted', async () => {
  const { backend, user } = await open()
  await user.click(screen.getByTestId('requests-row'))
  await user.click(card('clara.weiss.at').getByTestId('request-accept'))
  await settled()
  await settled()
  expect(screen.getByTestId('peer').dataset.handle).toBe('clara.weiss.at')
  expect(screen.getByTestId('requests-row').textContent).toContain('(1)')
  expect(backend.calls.some((call) => call.startsWith('declineRequest'))).toBe(false)
})

it('takes away who is declined, and says when nobody is left', async () => {
  const { user } = await open()
  await user.click(screen.getByTestId('requests-row'))
  for (const handle of ['clara.weiss.at', 'prize-desk-4471.bsky.social']) {
    await user.click(card(handle).getByTestId('request-decline'))
    await settled()
  }
  expect(screen.queryAllByTestId('request')).toHaveLength(0)
  expect(screen.getByText('Nobody is waiting.')).toBeDefined()
  expect(screen.getAllByTestId('conversation-item')).toHaveLength(1)
})

it('keeps a request that could not be decided, and says why', async () => {
  const { backend, user } = await open()
  backend.failures.acceptRequest = [{ code: 'database.full', detail: null }]
  await user.click(screen.getByTestId('requests-row'))
  await user.click(card('clara.weiss.at').getByTestId('request-accept'))
  await settled()
  expect(screen.getByTestId('error').dataset.code).toBe('database.full')
  expect(screen.getAllByTestId('request')).toHaveLength(2)
})
