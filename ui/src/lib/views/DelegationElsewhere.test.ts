import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { fakeAccount } from '$lib/backend/fake'
import type { AnchoringView } from '$lib/generated/AnchoringView'
import { settled, startApp } from '$lib/testing'
import App from '../../App.svelte'

async function open(anchoring: Partial<AnchoringView> = {}) {
  const account = { ...fakeAccount, relay: null }
  const { app, backend, stop } = await startApp({
    state: { kind: 'delegationElsewhere', account },
    anchoring,
  })
  stop()
  render(App, { app })
  await settled()
  return { backend, user: userEvent.setup() }
}

it('takes the words, and says what is wrong with them', async () => {
  const { backend, user } = await open()
  await user.click(screen.getByTestId('elsewhere-words'))
  await user.type(screen.getByTestId('recover-words'), 'abandon art')
  await user.click(screen.getByTestId('recover-submit'))
  expect((await screen.findByTestId('error')).dataset.code).toBe('recovery.word_count')
  const words = 'abandon '.repeat(23) + 'art'
  await user.clear(screen.getByTestId('recover-words'))
  await user.click(screen.getByTestId('recover-words'))
  await user.paste(words)
  expect(screen.getByText(/24 of 24 words/)).toBeDefined()
  await user.click(screen.getByTestId('recover-submit'))
  expect(await screen.findByTestId('conversation-item')).toBeDefined()
  expect(backend.calls.join()).not.toContain('abandon')
})

it('replaces a lost key only when the handle is typed', async () => {
  const { backend, user } = await open()
  await user.click(screen.getByTestId('elsewhere-lost'))
  const submit = screen.getByTestId<HTMLButtonElement>('lost-submit')
  await user.type(screen.getByTestId('lost-handle'), 'bob.example.com')
  expect(submit.disabled).toBe(true)
  await user.clear(screen.getByTestId('lost-handle'))
  await user.type(screen.getByTestId('lost-handle'), `@${fakeAccount.handle.toUpperCase()}`)
  expect(submit.disabled).toBe(false)
  await user.click(submit)
  expect(await screen.findByTestId('recovery-words')).toBeDefined()
  expect(backend.calls.some((call) => call.startsWith('replaceKey'))).toBe(true)
})

it('puts a new key into the public identity first where that names the lost one', async () => {
  const { backend, user } = await open({ standing: 'otherKey' })
  await user.click(screen.getByTestId('elsewhere-lost'))
  await user.type(screen.getByTestId('lost-handle'), fakeAccount.handle)
  await user.click(screen.getByTestId('lost-submit'))
  expect(await screen.findByTestId('key-follows')).toBeDefined()
  expect(screen.queryByTestId('lost-submit')).toBeNull()
  await user.click(screen.getByTestId('anchor-continue'))
  await user.type(await screen.findByTestId('anchor-code'), 'ABCDE-FGHIJ{Enter}')
  expect(await screen.findByTestId('recovery-words')).toBeDefined()
  expect(backend.calls).toContain('finishAnchoring ABCDE-FGHIJ')
})

it('shows after a start what waits, and gives it up', async () => {
  const { user } = await open({ standing: 'otherKey', successor: 'did:key:z6Mknext' })
  await user.click(await screen.findByTestId('anchor-cancel'))
  expect(await screen.findByTestId('elsewhere-lost')).toBeDefined()
  expect(screen.queryByTestId('key-follows')).toBeNull()
})
