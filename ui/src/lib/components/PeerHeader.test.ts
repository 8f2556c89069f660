import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { bob } from '$lib/testing'
import PeerHeader from './PeerHeader.svelte'

it.each([
  ['vended', 'Key vouched for by their server'],
  ['anchored', 'Key anchored in their identity'],
  ['confirmed', 'Key confirmed by you'],
] as const)('%s has definite words', (level, words) => {
  render(PeerHeader, { peer: { ...bob, level } })
  expect(screen.getByTestId('peer-level').textContent).toContain(words)
})

it('explains the level and shows the identity', async () => {
  render(PeerHeader, { peer: bob })
  await userEvent.click(screen.getByTestId('peer-level'))
  expect((await screen.findByRole('dialog')).textContent).toContain(bob.did)
})
