import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import { FakeBackend } from '$lib/backend/fake'
import { fakeProvenance } from '$lib/backend/fake-safety'
import type { ProvenanceFinding } from '$lib/generated/ProvenanceFinding'
import type { ProvenanceView } from '$lib/generated/ProvenanceView'
import { asText, describe } from '$lib/provenance'
import { message, messages, talk } from '$lib/testing'
import ProvenanceDialog from './ProvenanceDialog.svelte'

async function open(view?: ProvenanceView) {
  const backend = new FakeBackend({ seed: talk([...messages(1, 2), message(3, { mine: true })]) })
  if (view) vi.spyOn(backend, 'provenance').mockResolvedValue(view)
  const close = vi.fn()
  render(ProvenanceDialog, { backend, messageId: view?.messageId ?? 1, close })
  return { backend, close, steps: await screen.findAllByTestId('provenance-step') }
}

it('leads from the message to the log, in this order', async () => {
  const { backend, steps } = await open()
  expect(backend.calls).toEqual(['provenance 1'])
  expect(steps.map((step) => step.dataset.step)).toEqual([
    'message',
    'device',
    'key',
    'record',
    'operation',
  ])
})

it('shows as checked only what the core says was checked', async () => {
  const view = fakeProvenance(message(1), null)
  const lines = view.lines.map((line) =>
    line.step === 'key'
      ? { ...line, finding: 'unknownKey' as const, outcome: 'failed' as const }
      : line,
  )
  const { steps } = await open({ ...view, lines })
  expect(steps.map((step) => step.dataset.outcome)).toEqual([
    'checked',
    'checked',
    'failed',
    'noted',
    'missing',
  ])
  expect(steps[2]?.textContent).toContain('Does not hold')
  expect(steps[2]?.textContent).not.toContain('Checked now')
})

it('says why it cannot', async () => {
  const backend = new FakeBackend({ seed: talk([]) })
  render(ProvenanceDialog, { backend, messageId: 9, close: vi.fn() })
  expect((await screen.findByTestId('error')).dataset.code).toBe('message.unknown')
})

it('can be copied with every value and date', async () => {
  const user = userEvent.setup()
  const { steps } = await open()
  await user.click(screen.getByTestId('copy'))
  const text = await navigator.clipboard.readText()
  for (const step of steps) {
    expect(text).toContain(step.querySelector('p')?.textContent)
    for (const part of step.querySelectorAll('code, dd')) expect(text).toContain(part.textContent)
  }
})

it('tells written from arrived', () => {
  const labels = (mine: boolean) =>
    describe(fakeProvenance(message(1, { mine }), null))[0]?.facts.map(({ label }) => label)
  expect(labels(true)).toEqual(['Written'])
  expect(labels(false)).toEqual(['Arrived'])
})

it('has a sentence for everything that can be found', () => {
  const view = fakeProvenance(message(1), 1)
  const findings: Record<ProvenanceFinding, true> = {
    contentUnchanged: true,
    contentChanged: true,
    deviceCertified: true,
    thisDevice: true,
    certificateExpired: true,
    certificateOfOther: true,
    certificateUnreadable: true,
    deviceNotRecorded: true,
    presentKey: true,
    earlierKey: true,
    unknownKey: true,
    keyNotRecorded: true,
    recordVerified: true,
    recordNotRecorded: true,
    operationVerified: true,
    operationNotRecorded: true,
    noLog: true,
  }
  const line = view.lines[0]
  if (!line) throw new Error('no line')
  const lines = Object.keys(findings).map((finding) => ({
    ...line,
    finding: finding as ProvenanceFinding,
  }))
  const sentences = describe({ ...view, lines }).map(({ finding }) => finding)
  expect(new Set(sentences).size).toBe(sentences.length)
  for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].+\.$/)
  expect(asText(describe(view), 0)).toMatch(/^Where this message came from\nChecked /)
})
