import { expect, it } from 'vitest'
import { dayLabel, listTime, localDay } from './format'

const noon = new Date(2025, 4, 6, 12).getTime()
const day = 86_400_000

it('separates local days', () => {
  expect(localDay(new Date(2025, 4, 6, 23, 59).getTime())).toBe(localDay(noon))
  expect(localDay(new Date(2025, 4, 7, 0, 0).getTime())).toBe(localDay(noon) + 1)
})

it('names days from near to far', () => {
  expect(dayLabel(noon, noon)).toBe('Today')
  expect(dayLabel(noon - day, noon)).toBe('Yesterday')
  expect(dayLabel(noon - 3 * day, noon)).toBe('Saturday')
  expect(dayLabel(noon - 40 * day, noon)).toContain('March')
  expect(dayLabel(noon - 400 * day, noon)).toContain('2024')
})

it('keeps a clock that runs ahead readable', () => {
  expect(dayLabel(noon + 2 * day, noon)).toContain('2025')
  expect(listTime(noon + 2 * day, noon)).not.toBe('')
})

it('shows the time for today only', () => {
  expect(listTime(noon, noon)).toMatch(/12[:.]00/)
  expect(listTime(noon - 3 * day, noon)).toBe('Sat')
})
