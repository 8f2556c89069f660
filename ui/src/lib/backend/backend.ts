import type { AnchoringView } from '$lib/generated/AnchoringView'
import type { AppEvent } from '$lib/generated/AppEvent'
import type { AppState } from '$lib/generated/AppState'
import type { ConnectionView } from '$lib/generated/ConnectionView'
import type { ConversationView } from '$lib/generated/ConversationView'
import type { EditView } from '$lib/generated/EditView'
import type { GermView } from '$lib/generated/GermView'
import type { MessageView } from '$lib/generated/MessageView'
import type { ProvenanceView } from '$lib/generated/ProvenanceView'
import type { SafetyComparison } from '$lib/generated/SafetyComparison'
import type { SafetyNumberView } from '$lib/generated/SafetyNumberView'
import type { IncomingPolicy } from '$lib/generated/IncomingPolicy'
import type { PolicyView } from '$lib/generated/PolicyView'
import type { ReceiptsView } from '$lib/generated/ReceiptsView'
import type { RelayOfferView } from '$lib/generated/RelayOfferView'
import type { RelayView } from '$lib/generated/RelayView'
import type { RequestsView } from '$lib/generated/RequestsView'
import type { SearchView } from '$lib/generated/SearchView'
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
  /** For someone who does not use Sotto. */
  onGerm(handle: string): Promise<GermView | null>
  /** In the browser. */
  openGerm(handle: string): Promise<null>
  suggestions(query: string): Promise<SuggestionView[]>

  messages(conversationId: string, before: number | null, limit: number): Promise<MessageView[]>
  messagesById(ids: number[]): Promise<MessageView[]>
  messagesAround(conversationId: string, messageId: number, limit: number): Promise<MessageView[]>
  messagesAfter(conversationId: string, after: number, limit: number): Promise<MessageView[]>
  /** Newest first; `before` is the `more` of the answer before. */
  search(
    query: string,
    conversationId: string | null,
    before: number | null,
    limit: number,
  ): Promise<SearchView>
  /** Nothing is kept of an empty text. */
  saveDraft(conversationId: string, text: string): Promise<null>
  sendText(conversationId: string, text: string, replyTo: number | null): Promise<MessageView>
  /** In the place of the reaction there was; `null` withdraws it. */
  react(messageId: number, emoji: string | null): Promise<null>
  editMessage(messageId: number, text: string): Promise<null>
  deleteMessage(messageId: number, forEveryone: boolean): Promise<null>
  /** Earlier texts, oldest first. */
  messageEdits(messageId: number): Promise<EditView[]>
  setTimer(conversationId: string, seconds: number | null): Promise<null>
  typing(conversationId: string): Promise<null>
  receipts(): Promise<ReceiptsView>
  setReceipts(read: boolean, typing: boolean): Promise<ReceiptsView>
  /** Lets the user choose a file and sends it; null where none was chosen. */
  attachFile(conversationId: string, caption: string): Promise<MessageView | null>
  cancelAttachment(messageId: number, index: number): Promise<null>
  fetchAttachment(messageId: number, index: number): Promise<null>
  /** Lets the user say where to; false where nothing was saved. */
  saveAttachment(messageId: number, index: number, name: string): Promise<boolean>
  retry(messageId: number): Promise<null>
  markRead(conversationId: string): Promise<null>

  safetyNumber(conversationId: string): Promise<SafetyNumberView>
  /** `number` is the one that was shown: another one is not confirmed. */
  setConfirmed(
    conversationId: string,
    confirmed: boolean,
    number: string,
  ): Promise<SafetyNumberView>
  /** `picture` is a PNG or JPEG file in base64; a match confirms the peer's key. */
  compareSafetyCode(conversationId: string, picture: string): Promise<SafetyComparison>
  provenance(messageId: number): Promise<ProvenanceView>
  requests(): Promise<RequestsView>
  acceptRequest(id: string): Promise<ConversationView>
  declineRequest(id: string): Promise<null>
  policy(): Promise<PolicyView>
  setIncoming(policy: IncomingPolicy): Promise<PolicyView>

  anchoring(): Promise<AnchoringView>
  checkAnchoring(): Promise<AnchoringView>
  beginAnchoring(remove: boolean): Promise<AnchoringView>
  finishAnchoring(code: string): Promise<AnchoringView>
  cancelAnchoring(): Promise<AnchoringView>

  connection(): Promise<ConnectionView>

  relay(): Promise<RelayView>
  /** Changes nothing. */
  checkRelay(relay: string): Promise<RelayOfferView>
  moveRelay(relay: string): Promise<RelayView>
  cancelMove(): Promise<RelayView>

  /** Returns the function that ends the subscription. */
  listen(listener: Listener): () => void
}
