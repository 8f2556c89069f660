import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import { settled, startApp } from '$lib/testing'
import RelayDialog from './RelayDialog.svelte'

async function open() {
  const { app, backend } = await startApp()
  const close = vi.fn()
  render(RelayDialog, { app, close })
  await settled()
  return { backend, close, user: userEvent.setup() }
}

async function check(user: ReturnType<typeof userEvent.setup>, domain: string) {
  await user.type(screen.getByLabelText('Domain of the other relay'), `${domain}{Enter}`)
  await settled()
}

it('shows the relay in use and how the connection to it is', async () => {
  const { backend } = await open()
  expect(screen.getByTestId('relay-present').textContent).toBe('relay.sotto.chat')
  expect(screen.getByTestId('relay-state').textContent).toBe('Connected')
  backend.connect({ state: 'offline', error: { code: 'relay.unreachable', detail: null } })
  await settled()
  expect(screen.getByTestId('relay-state').textContent).toBe('Not connected')
  expect(screen.queryByTestId('former-relay')).toBeNull()
})

it('checks a relay, says what it offers, and moves only when that was confirmed', async () => {
  const { backend, user } = await open()
  await check(user, 'Relay.Example')
  expect(screen.getByTestId('relay-offer').textContent).toMatch(
    /relay\.example can take your account.*30 days.*45 days/s,
  )
  expect(backend.calls).not.toContain('moveRelay relay.example')
  await user.click(screen.getByRole('button', { name: 'Move' }))
  await settled()
  expect(backend.calls).toContain('moveRelay relay.example')
  expect(screen.getByTestId('relay-present').textContent).toBe('relay.example')
  const former = screen.getByTestId('former-relay').textContent
  expect(former).toMatch(/relay\.sotto\.chat.*1 person still has to follow/s)
  expect(screen.queryByTestId('relay-offer')).toBeNull()
})

it('asks again where another domain is typed after the check', async () => {
  const { user } = await open()
  await check(user, 'relay.example')
  await user.type(screen.getByTestId('relay-domain'), 'x')
  expect(screen.queryByTestId('relay-offer')).toBeNull()
  expect(screen.getByTestId('relay-check')).toBeDefined()
})

it('says why a relay cannot be moved to, in words', async () => {
  const { user } = await open()
  await check(user, 'relay.sotto.chat')
  expect(screen.getByTestId('error').dataset.code).toBe('relay.same')
  expect(screen.getByText('This is the relay you are using.')).toBeDefined()
})

it('stays where it was when the other relay does not take the account', async () => {
  const { backend, user } = await open()
  backend.failures.moveRelay = [{ code: 'relay.closed', detail: null }]
  await check(user, 'relay.example')
  await user.click(screen.getByTestId('relay-move'))
  await settled()
  expect(screen.getByText('This relay does not take your account.')).toBeDefined()
  expect(screen.getByTestId('relay-present').textContent).toBe('relay.sotto.chat')
})

it('shows a move that goes on, and can be taken back only while nobody sees it', async () => {
  const { backend, user } = await open()
  const domain = 'relay.sotto.chat'
  const moving = { domain: 'relay.example', published: false }
  backend.stand({ domain, moving, former: [] })
  await settled()
  expect(screen.getByTestId('relay-moving')).toBeDefined()
  expect(screen.queryByTestId('relay-domain')).toBeNull()
  backend.stand({ domain, moving: { ...moving, published: true }, former: [] })
  await settled()
  expect(screen.queryByTestId('relay-cancel')).toBeNull()
  expect(screen.getByTestId('relay-moving').textContent).toContain('relay.example')
  backend.stand({ domain, moving, former: [] })
  await settled()
  await user.click(screen.getByTestId('relay-cancel'))
  await settled()
  expect(backend.calls).toContain('cancelMove')
  expect(screen.queryByTestId('relay-moving')).toBeNull()
})

it('says what a relay that was left is still needed for', async () => {
  const { backend } = await open()
  const left = { until: Date.UTC(2027, 0, 5), reachedAt: null }
  backend.stand({
    domain: 'relay.example',
    moving: null,
    former: [
      { domain: 'one.example', awaitedPeers: 3, awaitsFiles: false, ...left },
      { domain: 'two.example', awaitedPeers: 0, awaitsFiles: true, ...left },
      { domain: 'three.example', awaitedPeers: 0, awaitsFiles: false, ...left, reachedAt: 1 },
    ],
  })
  await settled()
  const [one, two, three] = screen.getAllByTestId('former-relay').map((it) => it.textContent)
  expect(one).toMatch(/3 people still have to follow.*It has not answered yet/s)
  expect(two).toMatch(/Files you sent can still be fetched there/)
  expect(three).toMatch(/Everybody has followed/)
  expect(three).not.toMatch(/not answered/)
})
