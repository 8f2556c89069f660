import type { MessageView } from '$lib/generated/MessageView'
import type { ProvenanceLineView } from '$lib/generated/ProvenanceLineView'
import type { ProvenanceView } from '$lib/generated/ProvenanceView'
import type { SafetyCodeView } from '$lib/generated/SafetyCodeView'

const DAY = 86_400_000
const SIZE = 41

/** Looks like a QR code, and says nothing. */
export function fakeCode(): SafetyCodeView {
  let path = ''
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) if (dark(x, y)) path += `M${x} ${y}h1v1h-1z`
  }
  return { size: SIZE, path }
}

function dark(x: number, y: number): boolean {
  for (const [left, top] of [
    [0, 0],
    [SIZE - 7, 0],
    [0, SIZE - 7],
  ] as const) {
    const ring = Math.max(Math.abs(x - left - 3), Math.abs(y - top - 3))
    if (ring <= 4) return ring <= 1 || ring === 3
  }
  return ((x * 73 + y * 151 + x * y * 31) ^ (x * 5 + y * 3)) % 7 < 3
}

export const fakeNumber = '282917447208622698564195425069523482827245390516346923702535'

/** The lines of a message whose every step holds, as far as `did:plc` goes. */
export function fakeProvenance(message: MessageView, confirmedAt: number | null): ProvenanceView {
  const { sentAt, mine, id } = message
  const line = (more: Pick<ProvenanceLineView, 'step' | 'finding' | 'outcome'>) => ({
    value: null,
    revision: null,
    at: null,
    until: null,
    seenAt: null,
    ...more,
  })
  return {
    messageId: id,
    mine,
    lines: [
      {
        ...line({ step: 'message', finding: 'contentUnchanged', outcome: 'checked' }),
        value: '01' + id.toString(16).padStart(62, 'c4a1f0e8'),
        at: sentAt,
      },
      {
        ...line({
          step: 'device',
          finding: mine ? 'thisDevice' : 'deviceCertified',
          outcome: 'checked',
        }),
        value: '5b0e6c1f7a9d4c02a86f3d1be0947c55',
        at: sentAt - 40 * DAY,
        until: sentAt + 325 * DAY,
      },
      {
        ...line({ step: 'key', finding: 'presentKey', outcome: 'checked' }),
        value: 'did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp',
        seenAt: confirmedAt,
      },
      {
        ...line({ step: 'record', finding: 'recordVerified', outcome: 'noted' }),
        revision: '3lbqkgyfbvs2d',
        at: sentAt - 40 * DAY,
        seenAt: sentAt,
      },
      line({ step: 'operation', finding: 'operationNotRecorded', outcome: 'missing' }),
    ],
  }
}
