import type { MessageView } from '$lib/generated/MessageView'

/**
 * Puts a freshly read newest page onto what is already shown. The page decides the order from its
 * first known message on. `null`: there is a gap between the two, so older pages are needed first.
 */
export function joinNewest(
  shown: MessageView[],
  page: MessageView[],
  complete: boolean,
): MessageView[] | null {
  if (complete || shown.length === 0) return page
  const at = new Map(shown.map(({ id }, index) => [id, index]))
  const seam = page.find(({ id }) => at.has(id))
  if (!seam) return null
  const fresh = new Set(page.map(({ id }) => id))
  const older = shown.slice(0, at.get(seam.id)).filter(({ id }) => !fresh.has(id))
  return [...older, ...page]
}

export function joinOlder(shown: MessageView[], page: MessageView[]): MessageView[] {
  const known = new Set(shown.map(({ id }) => id))
  return [...page.filter(({ id }) => !known.has(id)), ...shown]
}

/** Replaces in place what was asked for; what did not come back no longer exists. */
export function replace(
  shown: MessageView[],
  asked: number[],
  views: MessageView[],
): MessageView[] {
  const wanted = new Set(asked)
  const fresh = new Map(views.map((view) => [view.id, view]))
  return shown.flatMap((view) => (wanted.has(view.id) ? (fresh.get(view.id) ?? []) : view))
}
