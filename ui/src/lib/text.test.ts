import { describe, expect, it } from 'vitest'
import { byteLength, hueOf, initials, isEmojiOnly, normaliseHandle } from './text'

describe('normaliseHandle', () => {
  it.each([
    ['@Alice.bsky.social ', 'alice.bsky.social'],
    ['\u202aalice.bsky.social\u202c', 'alice.bsky.social'],
    ['https://bsky.app/profile/alice.bsky.social', 'alice.bsky.social'],
    ['  ', ''],
  ])('%j is %j', (input, handle) => expect(normaliseHandle(input)).toBe(handle))
})

describe('isEmojiOnly', () => {
  it.each(['🙏', '👩‍👩‍👧 ❤️'])('%s', (text) => expect(isEmojiOnly(text)).toBe(true))
  it.each(['ok 🙏', '12', '🙏🙏🙏🙏', '#', ''])('not %j', (text) => {
    expect(isEmojiOnly(text)).toBe(false)
  })
})

it('counts bytes, not characters', () => {
  expect(byteLength('é🙏')).toBe(6)
})

it('takes initials from the name, else from the handle', () => {
  expect(initials('Mara van Lindqvist', 'x.y')).toBe('ML')
  expect(initials(null, 'bob.example.com')).toBe('B')
  expect(initials('···', 'bob.example.com')).toBe('B')
})

it('gives the same name on two identities two colours', () => {
  expect(hueOf('did:plc:aaa')).not.toBe(hueOf('did:plc:aab'))
})
