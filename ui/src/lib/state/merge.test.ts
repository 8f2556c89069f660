import { describe, expect, it } from 'vitest'
import { ids, message, messages } from '$lib/testing'
import { joinNewest, joinOlder, replace } from './merge'

describe('joinNewest', () => {
  it('appends what is new and keeps what lies further back', () => {
    expect(ids(joinNewest(messages(1, 6), messages(4, 8), false) ?? [])).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ])
  })

  it('takes the order from the page, also for one that came late', () => {
    const page = [message(4), message(9), message(5)]
    expect(ids(joinNewest(messages(1, 5), page, false) ?? [])).toEqual([1, 2, 3, 4, 9, 5])
  })

  it('takes a page that starts with something unknown', () => {
    const page = [message(9), message(4), message(5)]
    expect(ids(joinNewest(messages(1, 5), page, false) ?? [])).toEqual([1, 2, 3, 9, 4, 5])
  })

  it('never shows one message twice', () => {
    const page = [message(4), message(2), message(5)]
    expect(ids(joinNewest(messages(1, 5), page, false) ?? [])).toEqual([1, 3, 4, 2, 5])
  })

  it('drops what the page no longer has', () => {
    expect(ids(joinNewest(messages(1, 5), [message(3), message(5)], false) ?? [])).toEqual([
      1, 2, 3, 5,
    ])
  })

  it('says so when there is a gap', () => {
    expect(joinNewest(messages(1, 3), messages(7, 9), false)).toBeNull()
    expect(ids(joinNewest(messages(1, 3), messages(7, 9), true) ?? [])).toEqual([7, 8, 9])
  })
})

it('joinOlder puts in front without repeating', () => {
  expect(ids(joinOlder(messages(3, 5), messages(1, 3)))).toEqual([1, 2, 3, 4, 5])
})

it('replace changes in place and removes what is gone', () => {
  const after = replace(messages(1, 3), [2, 3], [message(2, { text: 'new' })])
  expect(after.map(({ text }) => text)).toEqual(['message 1', 'new'])
})
