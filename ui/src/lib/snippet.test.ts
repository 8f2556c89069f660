import { expect, it } from 'vitest'
import { parts } from './snippet'

it('cuts a text at its marks', () => {
  expect(
    parts('🙂 one two', [
      { start: 3, end: 6 },
      { start: 7, end: 10 },
    ]),
  ).toEqual([
    { text: '🙂 ', marked: false },
    { text: 'one', marked: true },
    { text: ' ', marked: false },
    { text: 'two', marked: true },
  ])
  expect(parts('none', [])).toEqual([{ text: 'none', marked: false }])
})
