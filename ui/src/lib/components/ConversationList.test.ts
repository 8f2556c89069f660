import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { conversationId, summary } from '$lib/backend/fake-data'
import { bob, messages } from '$lib/testing'
import ConversationList from './ConversationList.svelte'

const TOTAL = 10_000

function show(selectedId: string | null = null) {
  const list = Array.from({ length: TOTAL }, (_, index) => {
    const peer = { ...bob, handle: `peer${index}.example` }
    return summary(
      { id: conversationId(index), peer, unread: 0, hold: null, draft: null },
      messages(1, 1),
    )
  })
  render(ConversationList, { list, selectedId, now: Date.now(), select: () => {} })
  return userEvent.setup()
}

const items = () => screen.getAllByTestId('conversation-item')
const focused = () => (document.activeElement as HTMLElement).dataset.handle

it('mounts what can be seen of many conversations, and says how many there are', () => {
  show()
  expect(items().length).toBeLessThan(40)
  expect(items()[0]?.dataset.handle).toBe('peer0.example')
  const row = items()[0]?.closest('[role=listitem]')
  expect(row?.getAttribute('aria-setsize')).toBe(String(TOTAL))
  expect(row?.getAttribute('aria-posinset')).toBe('1')
})

it('goes through all of them by keyboard', async () => {
  const user = show()
  items()[0]?.focus()
  await user.keyboard('{ArrowDown}{ArrowDown}{ArrowUp}')
  await expect.poll(focused).toBe('peer1.example')
  await user.keyboard('{End}')
  await expect.poll(focused).toBe(`peer${TOTAL - 1}.example`)
  await user.keyboard('{ArrowDown}')
  expect(focused()).toBe(`peer${TOTAL - 1}.example`)
  await user.keyboard('{Home}')
  await expect.poll(focused).toBe('peer0.example')
})

// Rows without a size are hidden, so the Tab key itself passes them by in jsdom.
it('is one stop of the Tab key: the conversation that is open, or where the keys were last', async () => {
  const stops = () => items().filter((item) => item.tabIndex === 0)
  const user = show(conversationId(5000))
  expect(stops().map((item) => item.dataset.handle)).toEqual(['peer5000.example'])
  stops()[0]?.focus()
  await user.keyboard('{ArrowDown}')
  await expect.poll(focused).toBe('peer5001.example')
  expect(stops().map((item) => item.dataset.handle)).toEqual(['peer5001.example'])
})
