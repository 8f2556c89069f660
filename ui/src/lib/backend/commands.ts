import type { Backend } from './backend'

export type Call = (command: string, args?: Record<string, unknown>) => Promise<unknown>

/** The commands under the names the Rust side knows, over any transport. */
export function commands(call: Call): Omit<Backend, 'listen'> {
  const ask = call as <T>(command: string, args?: Record<string, unknown>) => Promise<T>
  return {
    state: () => ask('state'),
    unlock: (passphrase) => ask('unlock', { passphrase }),
    signIn: (handle) => ask('sign_in', { handle }),
    cancelSignIn: () => ask('cancel_sign_in'),
    setUp: (relay) => ask('set_up', { relay }),
    signOut: () => ask('sign_out'),
    recoveryWords: () => ask('recovery_words'),
    confirmRecoveryWords: () => ask('confirm_recovery_words'),
    rotateKey: () => ask('rotate_key'),
    recover: (words) => ask('recover', { words }),
    replaceKey: (handle) => ask('replace_key', { handle }),
    revoke: () => ask('revoke'),
    conversations: () => ask('conversations'),
    conversation: (id) => ask('conversation', { id }),
    acceptKeyChange: (conversationId, key) => ask('accept_key_change', { conversationId, key }),
    startConversation: (handle) => ask('start_conversation', { handle }),
    onGerm: (handle) => ask('on_germ', { handle }),
    openGerm: (handle) => ask('open_germ', { handle }),
    suggestions: (query) => ask('suggestions', { query }),
    messages: (conversationId, before, limit) => ask('messages', { conversationId, before, limit }),
    messagesById: (ids) => ask('messages_by_id', { ids }),
    messagesAround: (conversationId, messageId, limit) =>
      ask('messages_around', { conversationId, messageId, limit }),
    messagesAfter: (conversationId, after, limit) =>
      ask('messages_after', { conversationId, after, limit }),
    search: (query, conversationId, before, limit) =>
      ask('search', { query, conversationId, before, limit }),
    saveDraft: (conversationId, text) => ask('save_draft', { conversationId, text }),
    sendText: (conversationId, text, replyTo) =>
      ask('send_text', { conversationId, text, replyTo }),
    react: (messageId, emoji) => ask('react', { messageId, emoji }),
    editMessage: (messageId, text) => ask('edit_message', { messageId, text }),
    deleteMessage: (messageId, forEveryone) => ask('delete_message', { messageId, forEveryone }),
    messageEdits: (messageId) => ask('message_edits', { messageId }),
    setTimer: (conversationId, seconds) => ask('set_timer', { conversationId, seconds }),
    typing: (conversationId) => ask('typing', { conversationId }),
    receipts: () => ask('receipts'),
    setReceipts: (read, typing) => ask('set_receipts', { read, typing }),
    attachFile: (conversationId, caption) => ask('attach_file', { conversationId, caption }),
    cancelAttachment: (messageId, index) => ask('cancel_attachment', { messageId, index }),
    fetchAttachment: (messageId, index) => ask('fetch_attachment', { messageId, index }),
    saveAttachment: (messageId, index) => ask('save_attachment', { messageId, index }),
    retry: (messageId) => ask('retry', { messageId }),
    markRead: (conversationId) => ask('mark_read', { conversationId }),
    safetyNumber: (conversationId) => ask('safety_number', { conversationId }),
    setConfirmed: (conversationId, confirmed, number) =>
      ask('set_confirmed', { conversationId, confirmed, number }),
    compareSafetyCode: (conversationId, picture) =>
      ask('compare_safety_code', { conversationId, picture }),
    provenance: (messageId) => ask('provenance', { messageId }),
    requests: () => ask('requests'),
    acceptRequest: (id) => ask('accept_request', { id }),
    declineRequest: (id) => ask('decline_request', { id }),
    policy: () => ask('policy'),
    setIncoming: (policy) => ask('set_incoming', { policy }),
    anchoring: () => ask('anchoring'),
    checkAnchoring: () => ask('check_anchoring'),
    beginAnchoring: (remove) => ask('begin_anchoring', { remove }),
    finishAnchoring: (code) => ask('finish_anchoring', { code }),
    cancelAnchoring: () => ask('cancel_anchoring'),
    connection: () => ask('connection'),
    relay: () => ask('relay'),
    checkRelay: (relay) => ask('check_relay', { relay }),
    moveRelay: (relay) => ask('move_relay', { relay }),
    cancelMove: () => ask('cancel_move'),
  }
}
