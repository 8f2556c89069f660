import { render, screen } from '@testing-library/svelte'
import { expect, it } from 'vitest'
import type { ConversationView } from '$lib/generated/ConversationView'
import { bob } from '$lib/testing'
import ConversationItem from './ConversationItem.svelte'

function show(more: Partial<ConversationView>) {
  const conversation: ConversationView = {
    id: 'c',
    previewFile: null,
    peer: bob,
    preview: 'hello',
    previewMine: false,
    previewState: null,
    lastAt: Date.now(),
    unread: 0,
    hold: null,
    draft: null,
    previewDeleted: false,
    timer: null,
    typing: false,
    ...more,
  }
  render(ConversationItem, { conversation, selected: false, now: Date.now(), select: () => {} })
  return screen.getByTestId('conversation-item')
}

it('shows the handle beside a display name that looks like another handle', () => {
  const item = show({ peer: { ...bob, displayName: 'alice.bsky.social' } })
  expect(item.dataset.handle).toBe('bob.example.com')
  expect(item.textContent).toContain('bob.example.com')
  expect(item.getAttribute('aria-label')).toContain('bob.example.com')
})

it('isolates names, so that one written right to left does not turn the rest around', () => {
  const item = show({ peer: { ...bob, displayName: '\u202egnp.bob' } })
  expect(item.querySelector('.name bdi')?.textContent).toContain('gnp.bob')
})

it.each([
  ['confirmed', true],
  ['anchored', false],
] as const)('marks a confirmed key and no other, also in words: %s', (level, marked) => {
  const item = show({ peer: { ...bob, level } })
  expect(item.querySelector('[data-testid=confirmed]') !== null).toBe(marked)
  expect(item.getAttribute('aria-label')?.includes('Key confirmed')).toBe(marked)
})

it('does not mark a key that has changed since it was confirmed', () => {
  const hold = { code: 'account.key_changed', key: 'did:key:z6Mk', confirmed: true }
  const item = show({ peer: { ...bob, level: 'confirmed' }, hold })
  expect(item.querySelector('[data-testid=confirmed]')).toBeNull()
  expect(item.getAttribute('aria-label')).not.toContain('Key confirmed')
})

it('says in words what is unread', () => {
  expect(show({ unread: 2 }).getAttribute('aria-label')).toContain('2 unread messages')
})

it('says that the last message was not sent', () => {
  const item = show({ previewMine: true, previewState: 'failed' })
  expect(item.getAttribute('aria-label')).toContain('Not sent, You: hello')
})

it('loads no picture from anywhere', () => {
  const item = show({ peer: { ...bob, avatar: 'https://example.com/spy.png' } })
  expect(item.querySelector('img')).toBeNull()
})

it('says what is being written', () => {
  const item = show({ draft: 'Dear Bob' })
  expect(item.textContent).toMatch(/Draft:\s*Dear Bob/)
  expect(item.getAttribute('aria-label')).toContain('Draft: Dear Bob')
})

it('names the file of a message without words', () => {
  const previewFile = { name: 'hills.png', mime: 'image/png' }
  const item = show({ preview: '', previewFile })
  expect(item.textContent).toContain('Picture: hills.png')
  expect(item.getAttribute('aria-label')).toContain('Picture: hills.png')
})
