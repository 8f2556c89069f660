import type { MarkView } from '$lib/generated/MarkView'

export type Part = { text: string; marked: boolean }

/** A text in pieces, marked and not. The core counts in UTF-16 units, as strings do here. */
export function parts(text: string, marks: MarkView[]): Part[] {
  const pieces: Part[] = []
  let at = 0
  for (const { start, end } of marks) {
    pieces.push({ text: text.slice(at, start), marked: false })
    pieces.push({ text: text.slice(start, end), marked: true })
    at = end
  }
  pieces.push({ text: text.slice(at), marked: false })
  return pieces.filter(({ text }) => text !== '')
}
