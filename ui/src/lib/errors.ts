import * as messages from '$lib/paraglide/messages'
import type { ErrorView } from '$lib/generated/ErrorView'

/** Every code the core can answer with; `core.unreachable` is made here, when the core itself is gone. */
export const ERROR_CODES = [
  'oauth.cancelled',
  'oauth.denied',
  'oauth.timed_out',
  'oauth.exchange_failed',
  'oauth.browser',
  'oauth.expired',
  'handle.invalid',
  'handle.unknown',
  'handle.mismatch',
  'did.unresolvable',
  'did.unreachable',
  'did.forbidden',
  'pds.unreachable',
  'pds.forbidden',
  'pds.rejected',
  'plc.unreachable',
  'plc.too_large',
  'plc.malformed',
  'plc.bad_cid',
  'plc.wrong_genesis',
  'plc.broken_chain',
  'plc.forged',
  'plc.illegal_fork',
  'plc.false_nullification',
  'plc.rolled_back',
  'plc.rewritten',
  'plc.tombstoned',
  'plc.document_differs',
  'scope.missing',
  'anchor.not_plc',
  'anchor.too_many_methods',
  'anchor.too_large',
  'anchor.code_wrong',
  'anchor.code_expired',
  'anchor.rate_limited',
  'anchor.denied',
  'anchor.scope_missing',
  'anchor.permission_ended',
  'anchor.signed_other',
  'anchor.changed',
  'anchor.not_written',
  'relay.unreachable',
  'relay.not_a_relay',
  'relay.insecure',
  'relay.refused',
  'relay.domain_invalid',
  'relay.same',
  'relay.key_first',
  'relay.move_under_way',
  'relay.move_published',
  'relay.move_cancelled',
  'relay.busy',
  'relay.closed',
  'delegation.elsewhere',
  'delegation.not_written',
  'delegation.document_failed',
  'delegation.half_done',
  'delegation.gone',
  'delegation.unreadable',
  'delegation.anchored',
  'delegation.anchored_other',
  'delegation.published',
  'recovery.not_shown_again',
  'recovery.word_count',
  'recovery.unknown_word',
  'recovery.checksum',
  'recovery.older_key',
  'recovery.other_key',
  'confirmation.other_handle',
  'account.no_delegation',
  'account.bad_signature',
  'account.bad_proof',
  'account.bad_claim',
  'account.claim_rolled_back',
  'account.repo_rolled_back',
  'account.contradicted',
  'account.key_changed',
  'account.self',
  'germ.no_link',
  'conversation.unknown',
  'roster.invalid',
  'key_package.invalid',
  'key_package.none',
  'keyring.locked',
  'keyring.unavailable',
  'vault.wrong_passphrase',
  'vault.passphrase_too_short',
  'database.locked',
  'database.full',
  'clock.wrong',
  'database.corrupt',
  'message.empty',
  'message.too_long',
  'message.expired',
  'message.unknown',
  'message.not_yours',
  'message.no_text',
  'message.waits_for_file',
  'message.deletion_unheard',
  'message.edit_unheard',
  'message.reaction',
  'message.timer',
  'frame.invalid',
  'attachment.missing',
  'attachment.not_a_file',
  'attachment.empty',
  'attachment.too_large',
  'attachment.changed',
  'attachment.unreadable',
  'attachment.disk_full',
  'attachment.unwritable',
  'attachment.quota',
  'attachment.relay_full',
  'attachment.refused',
  'attachment.invalid',
  'attachment.damaged',
  'attachment.gone',
  'attachment.not_here',
  'attachment.unknown',
  'safety.number_changed',
  'safety.picture_unreadable',
  'safety.picture_too_large',
  'offline',
  'timeout',
  'internal',
  'core.unreachable',
] as const

export type ErrorText = { what: string; todo: string }

const texts = messages as unknown as Record<string, (() => string) | undefined>

export function errorText(code: string): ErrorText {
  const key = 'error_' + code.replaceAll('.', '_')
  const what = texts[key + '_what']
  const todo = texts[key + '_do']
  if (what && todo) return { what: what(), todo: todo() }
  return {
    what: messages.error_fallback_what(),
    todo: messages.error_fallback_do({ code }),
  }
}

/** Whatever a backend throws, as something that can be shown. */
export function asErrorView(thrown: unknown): ErrorView {
  if (isErrorView(thrown)) return { code: thrown.code, detail: thrown.detail ?? null }
  return { code: 'internal', detail: thrown instanceof Error ? thrown.message : null }
}

function isErrorView(value: unknown): value is ErrorView {
  return (
    typeof value === 'object' && value !== null && typeof (value as ErrorView).code === 'string'
  )
}
