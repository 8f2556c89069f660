export const MAX_MESSAGE_BYTES = 16_384

const encoder = new TextEncoder()

export function byteLength(text: string): number {
  return encoder.encode(text).length
}

/** Directional marks and zero-width characters, which come along when a handle is copied from a page. */
const INVISIBLE = /[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g

/** What people paste ("@Alice.bsky.social", a profile address) as the handle they mean. */
export function normaliseHandle(input: string): string {
  return input
    .replace(INVISIBLE, '')
    .trim()
    .replace(/^https:\/\/[^/]+\/profile\//, '')
    .replace(/^@/, '')
    .replace(/\/$/, '')
    .toLowerCase()
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** One to three emoji and nothing else. */
export function isEmojiOnly(text: string): boolean {
  if (text.length > 40 || !/^[\p{Extended_Pictographic}\p{Emoji_Component}\s]+$/u.test(text))
    return false
  // Digits are "emoji components" too.
  if (!/\p{Extended_Pictographic}/u.test(text) || /[0-9#*]/.test(text)) return false
  const glyphs = [...segmenter.segment(text)].filter(({ segment }) => segment.trim() !== '')
  return glyphs.length <= 3
}

/** Up to two letters to stand in for a picture. */
export function initials(displayName: string | null, handle: string): string {
  const words = (displayName ?? '').match(/[\p{L}\p{N}]+/gu) ?? []
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0] ?? handle]
  return letters
    .map((word) => [...(word ?? '')][0] ?? '')
    .join('')
    .toUpperCase()
}

/** A hue that belongs to the identity, so that a copied name does not copy the colour. */
export function hueOf(did: string): number {
  let hash = 0
  for (const char of did) hash = (hash * 31 + char.charCodeAt(0)) >>> 0
  return (hash % 12) * 30 + 15
}

/** A safety number as it is read aloud: groups of five. */
export function digitGroups(number: string): string[] {
  return number.match(/.{1,5}/g) ?? []
}

/** For attributes, where no `<bdi>` can keep a name from turning its surroundings around. */
export function isolated(name: string): string {
  return `\u2068${name}\u2069`
}
