import { render, screen, waitFor } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { afterEach, expect, it, vi } from 'vitest'
import { FakeBackend } from '$lib/backend/fake'
import { conversationId } from '$lib/backend/fake-data'
import { fakeNumber } from '$lib/backend/fake-safety'
import { MAX_PICTURE_BYTES } from '$lib/picture'
import { bob, messages, talk } from '$lib/testing'
import SafetyDialog from './SafetyDialog.svelte'

async function open() {
  const backend = new FakeBackend({ seed: talk(messages(1, 3)) })
  const close = vi.fn()
  render(SafetyDialog, { backend, conversationId: conversationId(0), peer: bob, close })
  await screen.findByTestId('safety-digits')
  return { backend, close, user: userEvent.setup() }
}

const picture = new File([new Uint8Array([1, 2, 3])], 'code.png', { type: 'image/png' })

afterEach(() => vi.unstubAllGlobals())

it('shows sixty digits in twelve groups, and the code', async () => {
  await open()
  const groups = [...screen.getByTestId('safety-digits').querySelectorAll('span')]
  expect(groups).toHaveLength(12)
  expect(groups.map((group) => group.textContent.trim()).join('')).toBe(fakeNumber)
  expect(screen.getByTestId('safety-code').querySelector('path')?.getAttribute('d')).toMatch(/^M/)
})

it('confirms the number that is on the screen, and takes it back', async () => {
  const { backend, user } = await open()
  const confirmed = vi.spyOn(backend, 'setConfirmed')
  await user.click(screen.getByTestId('safety-match'))
  expect(confirmed).toHaveBeenCalledExactlyOnceWith(conversationId(0), true, fakeNumber)
  expect(await screen.findByTestId('safety-confirmed')).toBeDefined()
  expect(screen.queryByTestId('safety-match')).toBeNull()
  await user.click(screen.getByTestId('safety-clear'))
  expect(await screen.findByTestId('safety-match')).toBeDefined()
})

it('shows the new number where it changed while it was compared', async () => {
  const { backend, user } = await open()
  backend.failures.setConfirmed = [{ code: 'safety.number_changed', detail: null }]
  await user.click(screen.getByTestId('safety-match'))
  expect((await screen.findByTestId('error')).dataset.code).toBe('safety.number_changed')
  expect(screen.queryByTestId('safety-confirmed')).toBeNull()
  expect(backend.calls.filter((call) => call.startsWith('safetyNumber'))).toHaveLength(2)
})

it.each([
  ['match', true],
  ['ownCode', false],
  ['otherPerson', false],
  ['peerKeyDiffers', false],
  ['ownKeyDiffers', false],
  ['otherVersion', false],
  ['notACode', false],
  ['noCode', false],
] as const)('says what a picture means: %s', async (result, confirms) => {
  const { backend, user } = await open()
  backend.scans = [result]
  await user.upload(screen.getByTestId('safety-file'), picture)
  const note = await waitFor(() => {
    const found = document.querySelector<HTMLElement>(`[data-result=${result}]`)
    expect(found).not.toBeNull()
    return found
  })
  expect(note?.textContent.trim()).toMatch(/\.$/)
  expect(screen.queryByTestId('safety-confirmed') !== null).toBe(confirms)
})

it('takes no word for a match while a code has just shown another key', async () => {
  const { backend, user } = await open()
  backend.scans = ['peerKeyDiffers', 'ownCode']
  await user.upload(screen.getByTestId('safety-file'), picture)
  const match = screen.getByTestId<HTMLButtonElement>('safety-match')
  await waitFor(() => expect(match.disabled).toBe(true))
  await user.upload(screen.getByTestId('safety-file'), picture)
  await waitFor(() => expect(match.disabled).toBe(false))
})

it('sends the picture as it is, and none that is too large', async () => {
  const { backend, user } = await open()
  await user.upload(screen.getByTestId('safety-file'), picture)
  await waitFor(() => expect(backend.calls).toContain('compareSafetyCode AQID'))
  const large = new File([new Uint8Array(MAX_PICTURE_BYTES + 1)], 'large.png', {
    type: 'image/png',
  })
  await user.upload(screen.getByTestId('safety-file'), large)
  expect((await screen.findByTestId('error')).dataset.code).toBe('safety.picture_too_large')
  expect(backend.calls.filter((call) => call.startsWith('compareSafetyCode'))).toHaveLength(1)
})

it('offers no camera where there is none', async () => {
  await open()
  expect(screen.queryByTestId('safety-scan-camera')).toBeNull()
})

it('says so where the camera is refused', async () => {
  const getUserMedia = vi.fn().mockRejectedValue(new DOMException('no', 'NotAllowedError'))
  const enumerateDevices = vi.fn().mockResolvedValue([{ kind: 'videoinput' }])
  vi.stubGlobal('navigator', { ...navigator, mediaDevices: { getUserMedia, enumerateDevices } })
  const { user } = await open()
  await user.click(await screen.findByTestId('safety-scan-camera'))
  expect(await screen.findByText(/camera could not be used/)).toBeDefined()
  expect(screen.getByTestId('safety-scan-camera')).toBeDefined()
})

it('closes with Escape', async () => {
  const { close, user } = await open()
  await user.keyboard('{Escape}')
  expect(close).toHaveBeenCalled()
})
