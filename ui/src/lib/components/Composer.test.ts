import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import { Draft } from '$lib/state/draft.svelte'
import Composer from './Composer.svelte'

function open(send = vi.fn(async (_text: string) => undefined)) {
  const draft = new Draft()
  render(Composer, { name: 'Bob', draft, send })
  const input = screen.getByTestId<HTMLTextAreaElement>('composer-input')
  return { draft, send, input, user: userEvent.setup() }
}

it('has the focus, sends with Enter and keeps the focus', async () => {
  const { send, input, user } = open()
  expect(document.activeElement).toBe(input)
  await user.keyboard('hello{Enter}')
  expect(send).toHaveBeenCalledExactlyOnceWith('hello')
  expect(input.value).toBe('')
  expect(document.activeElement).toBe(input)
})

it('breaks the line with Shift+Enter', async () => {
  const { send, input, user } = open()
  await user.keyboard('one{Shift>}{Enter}{/Shift}two')
  expect(input.value).toBe('one\ntwo')
  expect(send).not.toHaveBeenCalled()
})

it('does not send what an input method is still composing', async () => {
  const { send, input } = open()
  input.value = 'にほん'
  input.dispatchEvent(new Event('input', { bubbles: true }))
  const enter = { key: 'Enter', isComposing: true, bubbles: true, cancelable: true }
  input.dispatchEvent(new KeyboardEvent('keydown', enter))
  expect(send).not.toHaveBeenCalled()
})

it('sends nothing when there is nothing', async () => {
  const { send, user } = open()
  await user.keyboard('  {Enter}')
  expect(send).not.toHaveBeenCalled()
  expect(screen.getByTestId<HTMLButtonElement>('composer-send').disabled).toBe(true)
})

it('keeps the text when sending fails, and says why', async () => {
  const { input, user } = open(vi.fn().mockRejectedValue({ code: 'database.full', detail: null }))
  await user.keyboard('precious{Enter}')
  const error = await screen.findByTestId('error')
  expect(error.dataset.code).toBe('database.full')
  expect(input.value).toBe('precious')
})

it('counts only near the limit, and stops beyond it', async () => {
  const { draft, send, user } = open()
  expect(screen.queryByTestId('composer-left')).toBeNull()
  draft.text = 'x'.repeat(16_380)
  expect((await screen.findByTestId('composer-left')).textContent).toContain('4 bytes left')
  await user.keyboard('yyyyyy{Enter}')
  expect(screen.getByTestId('composer-left').textContent).toContain('2 bytes too long')
  expect(send).not.toHaveBeenCalled()
})
