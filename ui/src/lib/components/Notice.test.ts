import { render, screen } from '@testing-library/svelte'
import { expect, it } from 'vitest'
import { bob, message, noDeeds } from '$lib/testing'
import { rows } from '$lib/state/rows'
import TimelineRow from './TimelineRow.svelte'

function show(code: string) {
  const [row] = rows([message(1, { notice: code, text: null })], null)
  if (!row) throw new Error('one message makes one row')
  const nothing = { retry: () => {}, inspect: () => {}, remove: () => {}, deeds: noDeeds }
  render(TimelineRow, { row, peer: bob, now: Date.now(), ...nothing })
  return screen.getByTestId('notice')
}

it.each([
  ['notice.repair-asked', /from Bob could not be read/],
  ['notice.repaired-by-peer', /Bob could not read/],
  ['notice.set-back', /older than/],
  ['notice.device-new', /Bob uses another device/],
])('says in one quiet line what %s means', (code, words) => {
  const line = show(code)
  expect(line.textContent.trim()).toMatch(words)
  expect(line.getAttribute('aria-label')).toMatch(words)
  expect(line.getAttribute('role')).toBe('listitem')
  expect(screen.queryByTestId('message')).toBeNull()
})

it('shows a line that this version does not know as one that it does not know', () => {
  expect(show('notice.of-tomorrow').textContent).toContain('newer version')
})

it('ends what one person says in one go', () => {
  const list = [message(1), message(2, { notice: 'notice.set-back' }), message(3)]
  expect(rows(list, null).map(({ opens, closes }) => [opens, closes])).toEqual([
    [true, true],
    [true, true],
    [true, true],
  ])
})
