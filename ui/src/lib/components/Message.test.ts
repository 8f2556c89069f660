import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import { errorText } from '$lib/errors'
import type { MessageView } from '$lib/generated/MessageView'
import { bob, message } from '$lib/testing'
import Message from './Message.svelte'

function show(more: Partial<MessageView>) {
  const retry = vi.fn()
  const inspect = vi.fn()
  render(Message, { message: message(1, more), peer: bob, retry, inspect })
  return { retry, inspect, item: screen.getByTestId('message') }
}

it('shows markup as the text it is', () => {
  const text = '<img src=x onerror="alert(1)"><b>bold</b>'
  const { item } = show({ text })
  expect(item.querySelector('img, b')).toBeNull()
  expect(item.querySelector('.text')?.textContent).toBe(text)
})

it('keeps line breaks and adds none', () => {
  const { item } = show({ text: 'one\n\ntwo' })
  expect(item.querySelector('.text')?.textContent).toBe('one\n\ntwo')
})

it.each([
  ['sending', 'Sending'],
  ['sent', 'Sent'],
  ['delivered', 'Delivered'],
  ['failed', 'Not sent'],
] as const)('says in one item who, what, when and that it is %s', (state, words) => {
  const { item } = show({ mine: true, state, text: 'hello' })
  expect(item.getAttribute('aria-label')).toMatch(/^You: hello, \d+:\d\d.*, /)
  expect(item.getAttribute('aria-label')).toContain(words)
  expect(item.dataset).toMatchObject({ state, mine: 'true' })
  expect(screen.getByTitle(words)).toBeDefined()
})

it('names the other person', () => {
  expect(show({ text: 'hello' }).item.getAttribute('aria-label')).toMatch(/^Bob: hello, \d+:\d\d/)
})

it('says why it was not sent, and retries', async () => {
  const error = { code: 'message.expired', detail: null }
  const { retry, item } = show({ mine: true, state: 'failed', error })
  expect(item.textContent).toContain(errorText('message.expired').what)
  await userEvent.click(screen.getByTestId('message-retry'))
  expect(retry).toHaveBeenCalledOnce()
})

it('says why it is still waiting, without a retry: it goes out by itself', () => {
  const error = { code: 'relay.unreachable', detail: null }
  const { item } = show({ mine: true, state: 'sending', error })
  expect(item.textContent).toContain(errorText('relay.unreachable').what)
  expect(screen.queryByTestId('message-retry')).toBeNull()
})

it('says so when this version cannot show it', () => {
  expect(show({ text: null }).item.textContent).toContain('newer version')
})

it('has its details by keyboard, under a name of their own', async () => {
  const { inspect } = show({ text: 'hello' })
  await userEvent.tab()
  expect(document.activeElement?.getAttribute('aria-label')).toContain('hello')
  await userEvent.keyboard('{Enter}')
  expect(inspect).toHaveBeenCalledOnce()
})
