import type { AppEvent } from '$lib/generated/AppEvent'
import type { AppState } from '$lib/generated/AppState'
import type { ConnectionView } from '$lib/generated/ConnectionView'
import type { ConversationView } from '$lib/generated/ConversationView'
import type { MessageView } from '$lib/generated/MessageView'
import type { SuggestionView } from '$lib/generated/SuggestionView'

export type Listener = {
  event: (event: AppEvent) => void
  /** Whether the core itself can be heard; says nothing about the network behind it. */
  link: (up: boolean) => void
}

/** Everything the UI asks of the core. Every promise rejects with an `ErrorView`. */
export interface Backend {
  state(): Promise<AppState>
  unlock(passphrase: string): Promise<AppState>
  signIn(handle: string): Promise<AppState>
  cancelSignIn(): Promise<AppState>
  setUp(relay: string): Promise<AppState>
  signOut(): Promise<AppState>

  /** The only answer that holds a secret: show it, and keep it nowhere. */
  recoveryWords(): Promise<string[]>
  confirmRecoveryWords(): Promise<AppState>
  rotateKey(): Promise<AppState>
  recover(words: string): Promise<AppState>
  replaceKey(handle: string): Promise<AppState>
  revoke(): Promise<AppState>

  conversations(): Promise<ConversationView[]>
  conversation(id: string): Promise<ConversationView | null>
  acceptKeyChange(conversationId: string, key: string): Promise<ConversationView>
  startConversation(handle: string): Promise<ConversationView>
  suggestions(query: string): Promise<SuggestionView[]>

  messages(conversationId: string, before: number | null, limit: number): Promise<MessageView[]>
  messagesById(ids: number[]): Promise<MessageView[]>
  sendText(conversationId: string, text: string): Promise<MessageView>
  retry(messageId: number): Promise<null>
  markRead(conversationId: string): Promise<null>

  connection(): Promise<ConnectionView>

  /** Returns the function that ends the subscription. */
  listen(listener: Listener): () => void
}
