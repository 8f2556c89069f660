import type { ConversationView } from '$lib/generated/ConversationView'
import type { Level } from '$lib/generated/Level'
import type { MessageState } from '$lib/generated/MessageState'
import type { MessageView } from '$lib/generated/MessageView'
import type { PeerView } from '$lib/generated/PeerView'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export function picture(from: string, to: string, shape: string): string {
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><defs>` +
    `<linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop stop-color="${from}"/>` +
    `<stop offset="1" stop-color="${to}"/></linearGradient></defs>` +
    `<rect width="64" height="64" fill="url(#g)"/>${shape}</svg>`
  return 'data:image/svg+xml,' + encodeURIComponent(svg)
}

const hills =
  '<circle cx="44" cy="20" r="8" fill="#fff3d6"/><path d="M0 64V44l18-14 16 16 12-9 18 15v12z" fill="#23403b"/>'
const face =
  '<circle cx="32" cy="27" r="12" fill="#f4d9c2"/><path d="M8 64c2-18 12-23 24-23s22 5 24 23z" fill="#3b2b45"/><path d="M19 27c0-18 26-18 26 0-5-9-20-9-26 0z" fill="#3a2418"/>'
const waves =
  '<path d="M0 38c11-8 21 8 32 0s21-8 32 0v26H0z" fill="#fff" opacity=".35"/><path d="M0 48c11-8 21 8 32 0s21-8 32 0v16H0z" fill="#fff" opacity=".5"/>'

export function peer(name: string | null, handle: string, level: Level, avatar?: string): PeerView {
  const did =
    'did:plc:' +
    handle
      .replace(/[^a-z]/g, '')
      .padEnd(24, 'q')
      .slice(0, 24)
  return { did, handle, displayName: name, avatar: avatar ?? null, level }
}

export const people: PeerView[] = [
  peer('Mara Lindqvist', 'mara.lindqvist.se', 'confirmed', picture('#f2a489', '#b65a73', face)),
  peer('Jonas Okafor', 'jonas.bsky.social', 'anchored', picture('#8cc6c9', '#2f6f86', hills)),
  peer(null, 'tidewater.blacksky.app', 'vended'),
  peer('Ines · design', 'ines.example.org', 'anchored', picture('#9fb4ee', '#4c57a8', waves)),
  peer('رامي حداد', 'rami.haddad.dev', 'anchored'),
  peer('Bernadette van der Westhuizen', 'bernadette-van-der-westhuizen.bsky.social', 'vended'),
  peer('Theo', 'theo.eurosky.social', 'anchored'),
]

type Line = [mine: boolean, text: string | null, minutesAgo: number, state?: MessageState]

const talk: Line[] = [
  [false, 'Did you get the keys to the studio?', 2 * 1440 + 190],
  [
    true,
    'Picked them up this morning. The lock is stiff, push the door while you turn.',
    2 * 1440 + 184,
  ],
  [false, 'Noted 🙏', 2 * 1440 + 183],
  [
    false,
    'I went through the recordings from Sunday. The second take of the Satie is the one: it breathes.',
    1440 + 320,
  ],
  [false, 'You can hear the rain in the last minute, I would leave it in.', 1440 + 319],
  [true, 'Leave it in. That rain is the best musician on the record.', 1440 + 301],
  [true, 'Shall I tell Ines, or do you want to?', 1440 + 300],
  [false, 'You do it. She listens to you.', 1440 + 262],
  [false, '😄', 1440 + 261],
  [true, 'Train is at 14:05, platform 7. I have both tickets, so just find me by the clock.', 61],
  [false, 'By the clock. I will bring the score and something to eat.', 58],
  [true, 'Something with cheese, please', 57],
  [
    false,
    'Obviously.\n\nAlso: Anna asks whether the piano is tuned, and if not, whether the tuner could come before ten. I said yes to both, forgive me.',
    22,
  ],
  [true, 'Forgiven. He comes at nine.', 3],
]

const short: Record<number, Line[]> = {
  1: [
    [true, 'How did it go?', 300],
    [
      false,
      'Better than I feared! They want a second round on Thursday, this time with the whole team.',
      35,
    ],
    [false, 'And they asked who wrote the protocol part. I said a friend.', 34],
  ],
  2: [
    [
      false,
      'The relay moved to the new machine, nothing should have changed on your side.',
      1440 + 30,
    ],
    [true, 'All quiet here, thank you.', 1440 + 12],
  ],
  3: [
    [false, null, 3 * 1440 + 55],
    [true, 'I only see a placeholder, is that the new poll?', 3 * 1440 + 50],
  ],
  4: [
    [false, 'مساء الخير! هل وصلتك النسخة الأخيرة؟', 4 * 1440],
    [true, 'Yes, reading it tonight.', 4 * 1440 - 30, 'sent'],
  ],
  5: [
    [
      true,
      'Hello Bernadette, we met at the workshop in Ghent. Here is the paper I mentioned: https://example.org/papers/quiet-protocols-for-loud-networks.pdf',
      9 * 1440,
      'failed',
    ],
  ],
  6: [],
}

export function conversationId(index: number): string {
  return (index + 1).toString(16).padStart(64, '0')
}

/** What a plain text message has nothing of. */
export function nothingMore() {
  return {
    notice: null,
    attachments: [],
    waitsForFile: false,
    replyTo: null,
    reactions: [],
    editedAt: null,
    deleted: false,
    expiresIn: null,
    expiresAt: null,
  }
}

export type Seed = { conversations: ConversationView[]; messages: Map<string, MessageView[]> }

export function seed(now: number): Seed {
  const messages = new Map<string, MessageView[]>()
  let nextId = 1
  const conversations = people.map((peer, index) => {
    const id = conversationId(index)
    const lines = index === 0 ? [...history(), ...talk] : (short[index] ?? [])
    const views = lines.map(([mine, text, ago, state]): MessageView => {
      return {
        id: nextId++,
        conversationId: id,
        mine,
        text,
        sentAt: now - ago * MINUTE,
        state: state ?? (mine ? 'delivered' : 'received'),
        error: state === 'failed' ? { code: 'relay.unreachable', detail: null } : null,
        ...nothingMore(),
      }
    })
    messages.set(id, views)
    const view = summary({ id, peer, unread: index === 1 ? 2 : 0, hold: null, draft: null }, views)
    return view
  })
  return { conversations, messages }
}

/** Adds conversations until there are `count`. */
export function crowd({ conversations, messages }: Seed, count: number): Seed {
  const more = Array.from({ length: count - conversations.length }, (_, n): ConversationView => {
    const index = conversations.length + n
    const like = conversations[n % conversations.length]!
    const handle = `person${index}.example`
    const lastAt = like.lastAt && like.lastAt - index * MINUTE
    const person = { ...like.peer, did: `did:web:${handle}`, handle, displayName: `Person ${index}` }
    return { ...like, id: conversationId(index), lastAt, unread: 0, peer: person }
  })
  return { conversations: [...conversations, ...more], messages }
}

/** Enough older lines to page through. */
function history(): Line[] {
  return Array.from({ length: 180 }, (_, n): Line => {
    const mine = n % 5 === 1 || n % 7 === 3
    const words = 3 + ((n * 7) % 23)
    const text = Array.from({ length: words }, (_, w) => filler[(n * 3 + w * 5) % filler.length])
    return [mine, `${n + 1}. ${text.join(' ')}`, (7 * DAY) / MINUTE + (180 - n) * 45]
  })
}

const filler =
  'the tape runs softly and we listen again to what the room gave back after everyone had gone home'.split(
    ' ',
  )

export function summary(
  base: Pick<ConversationView, 'id' | 'peer' | 'unread' | 'hold' | 'draft'> &
    Partial<ConversationView>,
  messages: MessageView[],
): ConversationView {
  const last = messages.at(-1)
  return {
    timer: null,
    typing: false,
    ...base,
    preview: last?.text ?? null,
    previewFile: last?.text === '' ? (last.attachments[0] ?? null) : null,
    previewMine: last?.mine ?? false,
    previewState: last?.state ?? null,
    previewDeleted: last?.deleted ?? false,
    lastAt: last?.sentAt ?? null,
  }
}
