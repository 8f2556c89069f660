import { fullTime } from '$lib/format'
import type { ProvenanceFinding } from '$lib/generated/ProvenanceFinding'
import type { ProvenanceLineView } from '$lib/generated/ProvenanceLineView'
import type { ProvenanceOutcome } from '$lib/generated/ProvenanceOutcome'
import type { ProvenanceStep } from '$lib/generated/ProvenanceStep'
import type { ProvenanceView } from '$lib/generated/ProvenanceView'
import { m } from '$lib/paraglide/messages'

const titles: Record<ProvenanceStep, () => string> = {
  message: m.provenance_step_message,
  device: m.provenance_step_device,
  key: m.provenance_step_key,
  record: m.provenance_step_record,
  operation: m.provenance_step_operation,
}

export const outcomes: Record<ProvenanceOutcome, () => string> = {
  checked: m.provenance_outcome_checked,
  noted: m.provenance_outcome_noted,
  failed: m.provenance_outcome_failed,
  missing: m.provenance_outcome_missing,
  notApplicable: m.provenance_outcome_not_applicable,
}

const findings: Record<ProvenanceFinding, () => string> = {
  contentUnchanged: m.provenance_content_unchanged,
  contentChanged: m.provenance_content_changed,
  deviceCertified: m.provenance_device_certified,
  thisDevice: m.provenance_this_device,
  certificateExpired: m.provenance_certificate_expired,
  certificateOfOther: m.provenance_certificate_of_other,
  certificateUnreadable: m.provenance_certificate_unreadable,
  deviceNotRecorded: m.provenance_device_not_recorded,
  presentKey: m.provenance_present_key,
  earlierKey: m.provenance_earlier_key,
  unknownKey: m.provenance_unknown_key,
  keyNotRecorded: m.provenance_key_not_recorded,
  recordVerified: m.provenance_record_verified,
  recordNotRecorded: m.provenance_record_not_recorded,
  operationVerified: m.provenance_operation_verified,
  operationNotRecorded: m.provenance_operation_not_recorded,
  noLog: m.provenance_no_log,
}

const dates: Record<ProvenanceStep, () => string> = {
  message: m.provenance_date_arrived,
  device: m.provenance_date_certified,
  key: m.provenance_date_claimed,
  record: m.provenance_date_committed,
  operation: m.provenance_date_logged,
}

export type Fact = { label: string; value: string }

/** One step as it is shown and copied. */
export type Line = {
  step: ProvenanceStep
  outcome: ProvenanceOutcome
  title: string
  finding: string
  value: string | null
  facts: Fact[]
}

export function describe({ mine, lines }: ProvenanceView): Line[] {
  return lines.map((line) => ({
    step: line.step,
    outcome: line.outcome,
    title: titles[line.step](),
    finding:
      mine && line.finding === 'contentUnchanged'
        ? m.provenance_content_unchanged_mine()
        : findings[line.finding](),
    value: line.value,
    facts: facts(line, mine),
  }))
}

function facts({ step, revision, at, until, seenAt }: ProvenanceLineView, mine: boolean): Fact[] {
  const written = step === 'message' && mine
  const seen = step === 'key' ? m.provenance_date_compared : m.provenance_date_verified
  const found = [
    [m.provenance_revision, revision],
    [written ? m.provenance_date_written : dates[step], at],
    [m.provenance_date_until, until],
    [seen, seenAt],
  ] as const
  return found.flatMap(([label, value]) =>
    value === null
      ? []
      : [{ label: label(), value: typeof value === 'number' ? fullTime(value) : value }],
  )
}

/** All of it, to be pasted somewhere else. */
export function asText(lines: Line[], now: number): string {
  const heading = m.provenance_as_text({ title: m.provenance_title(), date: fullTime(now) })
  const blocks = lines.map(({ title, outcome, value, facts, finding }) =>
    [
      value === null ? title : `${title}: ${value}`,
      `${outcomes[outcome]()}. ${finding}`,
      ...facts.map((fact) => `${fact.label}: ${fact.value}`),
    ].join('\n'),
  )
  return [heading, ...blocks].join('\n\n') + '\n'
}
