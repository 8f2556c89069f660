import { clockTime } from '$lib/format'
import type { FileView } from '$lib/generated/FileView'
import type { Level } from '$lib/generated/Level'
import type { MessageState } from '$lib/generated/MessageState'
import type { MessageView } from '$lib/generated/MessageView'
import type { PeerView } from '$lib/generated/PeerView'
import type { SafetyComparison } from '$lib/generated/SafetyComparison'
import { m } from '$lib/paraglide/messages'

const states: Record<MessageState, () => string> = {
  sending: m.message_state_sending,
  sent: m.message_state_sent,
  delivered: m.message_state_delivered,
  failed: m.message_state_failed,
  received: m.message_state_received,
  read: m.message_state_read,
}

export function stateLabel(state: MessageState): string {
  return states[state]()
}

export function nameOf(person: { handle: string; displayName: string | null }): string {
  return person.displayName ?? person.handle
}

/** A file by its kind and its name. */
export function fileLabel({ name, mime }: FileView): string {
  if (mime.startsWith('image/')) return m.file_picture({ name })
  if (mime.startsWith('video/')) return m.file_video({ name })
  if (mime.startsWith('audio/')) return m.file_sound({ name })
  return m.file_other({ name })
}

/** What a message says, in one line: without words, what its file is. */
export function shownText(message: MessageView): string {
  const [file] = message.attachments
  if (message.text === '' && file) return fileLabel(file)
  return message.text ?? (message.deleted ? m.message_deleted() : m.message_unsupported())
}

/** What is said of a message beside its text. */
function marks(message: MessageView): string[] {
  const reactions = message.reactions.map(({ emoji }) => emoji).join(' ')
  return [
    ...(message.editedAt === null ? [] : [m.message_edited()]),
    ...(reactions === '' ? [] : [m.message_reactions({ reactions })]),
  ]
}

/** What a screen reader says for one message: who, what, when and, for one's own, how far it got. */
export function messageLabel(message: MessageView, peer: PeerView): string {
  const text = [shownText(message), ...marks(message)].join(', ')
  const time = clockTime(message.sentAt)
  if (!message.mine) return m.message_label({ who: nameOf(peer), text, time })
  return m.message_label_state({
    who: m.message_you(),
    text,
    time,
    state: stateLabel(message.state),
  })
}

const notices: Record<string, (inputs: { name: string }) => string> = {
  'notice.repair-asked': m.notice_repair_asked,
  'notice.repaired-by-peer': m.notice_repaired_by_peer,
  'notice.set-back': m.notice_set_back,
  'notice.device-new': m.notice_device_new,
}

/** What a line of the timeline says that is no message. */
export function noticeText(code: string, name: string): string {
  return (notices[code] ?? m.message_unsupported)({ name })
}

type LevelText = {
  full: () => string
  short: () => string
  more: (inputs: { handle: string }) => string
}

export const levels: Record<Level, LevelText> = {
  vended: { full: m.level_vended, short: m.level_vended_short, more: m.level_vended_more },
  anchored: { full: m.level_anchored, short: m.level_anchored_short, more: m.level_anchored_more },
  confirmed: {
    full: m.level_confirmed,
    short: m.level_confirmed_short,
    more: m.level_confirmed_more,
  },
}

/** What a scanned code means to the one who scanned it. */
export const results: Record<SafetyComparison, (inputs: { name: string }) => string> = {
  match: m.safety_result_match,
  ownCode: m.safety_result_own_code,
  otherPerson: m.safety_result_other_person,
  peerKeyDiffers: m.safety_result_peer_key_differs,
  ownKeyDiffers: m.safety_result_own_key_differs,
  otherVersion: m.safety_result_other_version,
  notACode: m.safety_result_not_a_code,
  noCode: m.safety_result_no_code,
}
