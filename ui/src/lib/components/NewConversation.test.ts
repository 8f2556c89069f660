import { render, screen, waitFor } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import { FakeBackend } from '$lib/backend/fake'
import NewConversation from './NewConversation.svelte'

async function open(start = vi.fn(async (_handle: string) => undefined)) {
  const close = vi.fn()
  render(NewConversation, { backend: new FakeBackend(), start, close })
  const input = await screen.findByTestId<HTMLInputElement>('new-conversation-handle')
  await waitFor(() => expect(document.activeElement).toBe(input))
  return { start, close, input, user: userEvent.setup() }
}

it('starts with what was typed', async () => {
  const { start, user } = await open()
  await user.keyboard('@Zoe.Example.com{Enter}')
  expect(start).toHaveBeenCalledExactlyOnceWith('zoe.example.com')
})

it('chooses a suggestion with the arrows and Enter', async () => {
  const { start, input, user } = await open()
  await user.keyboard('bsky')
  const options = await screen.findAllByRole('option')
  expect(options).toHaveLength(2)
  await user.keyboard('{ArrowDown}{ArrowDown}')
  expect(options[1]?.getAttribute('aria-selected')).toBe('true')
  expect(input.getAttribute('aria-activedescendant')).toBe(options[1]?.id)
  await user.keyboard('{Enter}')
  expect(start).toHaveBeenCalledExactlyOnceWith('bernadette-van-der-westhuizen.bsky.social')
})

it('goes back to what was typed past the end of the list', async () => {
  const { start, user } = await open()
  await user.keyboard('jonas')
  await screen.findByRole('option')
  await user.keyboard('{ArrowDown}{ArrowDown}{Enter}')
  expect(start).toHaveBeenCalledExactlyOnceWith('jonas')
})

it('shows each suggestion with its handle', async () => {
  const { user } = await open()
  await user.keyboard('mara')
  expect((await screen.findByRole('option')).textContent).toContain('mara.lindqvist.se')
})

it('says why it cannot start and keeps what was typed', async () => {
  const failing = vi.fn().mockRejectedValue({ code: 'account.no_delegation', detail: null })
  const { input, user } = await open(failing)
  await user.keyboard('new.example.com{Enter}')
  expect((await screen.findByTestId('error')).dataset.code).toBe('account.no_delegation')
  expect(input.value).toBe('new.example.com')
  await user.keyboard('x')
  expect(screen.queryByTestId('error')).toBeNull()
})

it('says where someone without Sotto can be reached, until something else is typed', async () => {
  const failing = vi.fn().mockRejectedValue({ code: 'account.no_delegation', detail: null })
  const { user } = await open(failing)
  await user.keyboard('germ.example.com{Enter}')
  expect((await screen.findByTestId('germ')).textContent).toContain('reached on Germ')
  expect(screen.queryByTestId('error')).toBeNull()
  await user.keyboard('x')
  expect(screen.queryByTestId('germ')).toBeNull()
})

it('looks elsewhere only for someone who does not use Sotto', async () => {
  const failing = vi.fn().mockRejectedValue({ code: 'account.key_changed', detail: null })
  const { user } = await open(failing)
  await user.keyboard('germ.example.com{Enter}')
  expect((await screen.findByTestId('error')).dataset.code).toBe('account.key_changed')
  expect(screen.queryByTestId('germ')).toBeNull()
})

it('closes with Escape', async () => {
  const { close, user } = await open()
  await user.keyboard('{Escape}')
  expect(close).toHaveBeenCalled()
})
