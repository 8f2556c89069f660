import { expect, it } from 'vitest'
import { message } from '$lib/testing'
import { rows } from './rows'

const at = (day: number, minute: number) => new Date(2025, 4, day, 12, minute).getTime()

it('marks the first message of each day', () => {
  const list = [1, 2, 3].map((id) => message(id, { sentAt: at(id === 3 ? 7 : 6, id) }))
  expect(rows(list, null).map(({ day }) => day)).toEqual([true, false, true])
})

it('groups what one person says in one go', () => {
  const list = [
    message(1, { sentAt: at(6, 0) }),
    message(2, { sentAt: at(6, 1) }),
    message(3, { sentAt: at(6, 2), mine: true }),
    message(4, { sentAt: at(6, 30), mine: true }),
  ]
  const shape = rows(list, null).map(({ opens, closes }) => [opens, closes])
  expect(shape).toEqual([
    [true, false],
    [false, true],
    [true, true],
    [true, true],
  ])
})

it('starts a new group at the first unread message', () => {
  const list = [1, 2].map((id) => message(id, { sentAt: at(6, id) }))
  const [first, second] = rows(list, 2)
  expect(first).toMatchObject({ closes: true, unread: false })
  expect(second).toMatchObject({ opens: true, unread: true })
})
