import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { FakeBackend } from '$lib/backend/fake'
import { conversationId } from '$lib/backend/fake-data'
import type { PeerView } from '$lib/generated/PeerView'
import { bob } from '$lib/testing'
import PeerHeader from './PeerHeader.svelte'

function show(peer: PeerView, changed = false) {
  const backend = new FakeBackend()
  render(PeerHeader, { backend, conversationId: conversationId(0), peer, changed })
}

it.each([
  ['vended', 'Key vouched for by their server'],
  ['anchored', 'Key anchored in their identity'],
  ['confirmed', 'Key confirmed by you'],
] as const)('%s has definite words', (level, words) => {
  show({ ...bob, level })
  expect(screen.getByTestId('peer-level').textContent).toContain(words)
})

it('does not call a key confirmed that is another one now', () => {
  show({ ...bob, level: 'confirmed' }, true)
  const words = screen.getByTestId('peer-level').textContent
  expect(words).toContain('Key changed')
  expect(words).not.toContain('confirmed')
})

it('says so behind the badge too, where the number would be that of the old key', async () => {
  show({ ...bob, level: 'confirmed' }, true)
  await userEvent.click(screen.getByTestId('peer-level'))
  const details = (await screen.findByRole('dialog')).textContent
  expect(details).toContain('does not vouch for it')
  expect(details).not.toContain('confirmed')
  expect(screen.queryByTestId('safety-open')).toBeNull()
})

it('explains the level and shows the identity', async () => {
  show(bob)
  await userEvent.click(screen.getByTestId('peer-level'))
  expect((await screen.findByRole('dialog')).textContent).toContain(bob.did)
})

it('leads to the safety number, and back to itself', async () => {
  show(bob)
  await userEvent.click(screen.getByTestId('peer-level'))
  await userEvent.click(await screen.findByTestId('safety-open'))
  expect(await screen.findByTestId('safety-digits')).toBeDefined()
  await userEvent.keyboard('{Escape}')
  expect(screen.queryByTestId('safety')).toBeNull()
})
