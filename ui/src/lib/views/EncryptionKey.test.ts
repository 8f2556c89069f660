import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import { webAnchor } from '$lib/backend/fake-anchoring'
import type { AnchoringView } from '$lib/generated/AnchoringView'
import { settled, startApp } from '$lib/testing'
import App from '../../App.svelte'

async function open(anchoring: Partial<AnchoringView>) {
  const { app, backend, stop } = await startApp({ anchoring })
  // The view starts the app itself.
  stop()
  render(App, { app })
  await settled()
  return { app, backend, user: userEvent.setup() }
}

async function openKey(anchoring: Partial<AnchoringView>) {
  const opened = await open(anchoring)
  await opened.user.click(screen.getByTestId('account-menu'))
  await opened.user.click(await screen.findByTestId('encryption-key'))
  await screen.findByTestId('anchoring')
  return opened
}

const section = () => screen.getByTestId('anchoring').dataset

it('hints at what is left to do, and can be put off', async () => {
  const { user } = await open({ standing: 'absent' })
  await user.click(screen.getByTestId('anchoring-hint-open'))
  expect(await screen.findByTestId('anchor-start')).toBeDefined()
  await user.keyboard('{Escape}')
  await user.click(screen.getByTestId('anchoring-hint-later'))
  expect(screen.queryByTestId('anchoring-hint')).toBeNull()
})

it('has nothing to hint at once the key is anchored', async () => {
  await open({ standing: 'anchored' })
  expect(screen.queryByTestId('anchoring-hint')).toBeNull()
})

it('explains the consent page first, and goes through to the end', async () => {
  const { backend, user } = await openKey({ standing: 'absent' })
  expect(screen.getByText(/only your own server vouches/)).toBeDefined()
  await user.click(screen.getByTestId('anchor-start'))
  expect(screen.getByText(/this app can change your identity/)).toBeDefined()
  expect(backend.calls).not.toContain('beginAnchoring false')

  await user.click(screen.getByTestId('anchor-continue'))
  const code = await screen.findByTestId<HTMLInputElement>('anchor-code')
  await user.type(code, 'wrong-code')
  await user.click(screen.getByTestId('anchor-finish'))
  expect((await screen.findByTestId('error')).dataset.code).toBe('anchor.code_wrong')
  expect(code.value).toBe('wrong-code')

  await user.clear(code)
  await user.type(code, ' ABCDE-FGHIJ {Enter}')
  await settled()
  expect(backend.calls).toContain('finishAnchoring ABCDE-FGHIJ')
  expect(section().standing).toBe('anchored')
  const year = String(new Date().getFullYear())
  expect(screen.getByText(/seen there since/).textContent).toContain(year)
  expect(screen.queryByTestId('anchor-start')).toBeNull()
})

it('can be left at every step', async () => {
  const { backend, user } = await openKey({ standing: 'absent' })
  await user.click(screen.getByTestId('anchor-start'))
  await user.click(screen.getByTestId('anchor-cancel'))
  await user.click(screen.getByTestId('anchor-start'))
  await user.click(screen.getByTestId('anchor-continue'))
  await screen.findByTestId('anchor-code')
  await user.click(screen.getByTestId('anchor-cancel'))
  await settled()
  expect(screen.getByTestId('anchor-start')).toBeDefined()
  expect(section().step).toBe('idle')
  expect(backend.calls).toContain('cancelAnchoring')
})

it('says nothing of a wait that was cancelled', async () => {
  const { backend, user } = await openKey({ standing: 'absent' })
  let refuse: (error: unknown) => void = () => undefined
  vi.spyOn(backend, 'beginAnchoring').mockImplementation(
    () => new Promise((_, fail) => (refuse = fail)),
  )
  await user.click(screen.getByTestId('anchor-start'))
  await user.click(screen.getByTestId('anchor-continue'))
  await user.click(screen.getByTestId('anchor-cancel'))
  refuse({ code: 'oauth.cancelled', detail: null })
  await settled()
  expect(screen.queryByTestId('error')).toBeNull()
  expect(screen.getByTestId('anchor-start')).toBeDefined()
})

it('goes on where it was after the window was closed', async () => {
  const { user } = await openKey({ standing: 'anchored', step: 'code', removing: true })
  expect(screen.getByTestId('anchor-finish').textContent).toContain('Remove the key')
  await user.click(screen.getByTestId('anchor-again'))
  await settled()
  await user.type(screen.getByTestId('anchor-code'), 'ABCDE-FGHIJ{Enter}')
  await settled()
  expect(section().standing).toBe('absent')
})

it('shows why it did not begin', async () => {
  const { backend, user } = await openKey({ standing: 'absent' })
  backend.failures.beginAnchoring = [{ code: 'anchor.scope_missing', detail: null }]
  await user.click(screen.getByTestId('anchor-start'))
  await user.click(screen.getByTestId('anchor-continue'))
  expect((await screen.findByTestId('error')).dataset.code).toBe('anchor.scope_missing')
  expect(screen.getByTestId('anchor-continue')).toBeDefined()
})

it('warns of another key in the identity', async () => {
  const { user } = await open({ standing: 'otherKey' })
  await user.click(screen.getByTestId('anchoring-hint-open'))
  expect(await screen.findByText(/a key that is not this one/)).toBeDefined()
  expect(screen.getByTestId('anchor-start')).toBeDefined()
  expect(screen.getByTestId('anchor-remove')).toBeDefined()
})

it('tells the owner of a did:web what to add, and looks again', async () => {
  const { backend, user } = await openKey({ standing: 'absent', web: webAnchor })
  expect(screen.getByTestId('anchor-entry').textContent).toBe(webAnchor.entry)
  expect(screen.getByText(webAnchor.documentUrl)).toBeDefined()
  expect(screen.queryByTestId('anchor-start')).toBeNull()
  await user.click(screen.getByTestId('anchor-copy'))
  expect(await navigator.clipboard.readText()).toBe(webAnchor.entry)
  await user.click(screen.getByTestId('anchor-check'))
  expect(backend.calls).toContain('checkAnchoring')
})

it('looks again by itself once a day, and says nothing when it cannot', async () => {
  const { app, backend } = await open({ standing: 'absent', checkedAt: 0 })
  expect(backend.calls).toContain('checkAnchoring')
  backend.failures.checkAnchoring = [{ code: 'plc.unreachable', detail: null }]
  await app.anchoring.start(Date.now() + 2 * 86_400_000)
  expect(app.anchoring.error).toBeNull()
  const fresh = await open({ standing: 'absent' })
  expect(fresh.backend.calls).not.toContain('checkAnchoring')
})

it('replaces the key after asking, and shows the new words', async () => {
  const { backend, user } = await openKey({ standing: 'absent' })
  await user.click(await screen.findByTestId('rotate'))
  expect(backend.calls).not.toContain('rotateKey')
  await user.click(screen.getByTestId('rotate-confirm'))
  expect(await screen.findByTestId('recovery-words')).toBeDefined()
})

it('stays open and says why the key was not replaced', async () => {
  const { backend, user } = await openKey({ standing: 'absent' })
  backend.failures.rotateKey = [{ code: 'delegation.anchored', detail: null }]
  await user.click(await screen.findByTestId('rotate'))
  await user.click(screen.getByTestId('rotate-confirm'))
  expect((await screen.findByTestId('error')).dataset.code).toBe('delegation.anchored')
  expect(screen.getByTestId('rotate-confirm')).toBeDefined()
})

it('replaces an anchored key once the code is typed in', async () => {
  const { backend, user } = await openKey({ standing: 'anchored' })
  await user.click(await screen.findByTestId('rotate'))
  await user.click(screen.getByTestId('rotate-confirm'))
  expect(await screen.findByTestId('key-follows')).toBeDefined()
  expect(screen.getByText(/this app can change your identity/)).toBeDefined()
  expect(screen.queryByTestId('anchor-remove')).toBeNull()
  await user.click(screen.getByTestId('anchor-continue'))
  const code = await screen.findByTestId('anchor-code')
  await user.type(code, 'wrong-code{Enter}')
  expect((await screen.findByTestId('error')).dataset.code).toBe('anchor.code_wrong')
  expect(screen.queryByTestId('recovery-words')).toBeNull()
  await user.clear(code)
  await user.type(code, 'ABCDE-FGHIJ{Enter}')
  expect(await screen.findByTestId('recovery-words')).toBeDefined()
  expect(backend.calls).toContain('beginAnchoring false')
})

it('offers a replacement that waits, and gives it up', async () => {
  const { backend, user } = await openKey({ standing: 'anchored', successor: 'did:key:z6Mknext' })
  expect(screen.queryByTestId('rotate')).toBeNull()
  expect(screen.getByTestId('anchor-continue')).toBeDefined()
  await user.click(screen.getByTestId('anchor-cancel'))
  expect(await screen.findByTestId('rotate')).toBeDefined()
  expect(backend.calls).toContain('cancelAnchoring')
})

it('tells the owner of a did:web which key follows', async () => {
  const web = { standing: 'anchored', web: webAnchor, successor: 'did:key:z6Mknext' } as const
  const { backend, user } = await openKey(web)
  expect(screen.getAllByTestId('anchor-entry')).toHaveLength(1)
  expect(screen.getByText(/in the place of the one that has the same id/)).toBeDefined()
  await user.click(screen.getByTestId('anchor-check'))
  expect(backend.calls).toContain('checkAnchoring')
  await user.click(screen.getByTestId('follow-cancel'))
  expect(await screen.findByTestId('rotate')).toBeDefined()
})

it('says before the end that an anchored key stays', async () => {
  const { user } = await openKey({ standing: 'anchored' })
  await user.click(screen.getByTestId('revoke'))
  expect(screen.getByTestId('revoke-anchored').textContent).toContain('until you remove it')
})

it('takes the delegation back after asking', async () => {
  const { backend, user } = await openKey({ standing: 'absent' })
  await user.click(await screen.findByTestId('revoke'))
  expect(backend.calls).not.toContain('revoke')
  await user.click(screen.getByTestId('revoke-confirm'))
  expect(await screen.findByTestId('set-up-relay')).toBeDefined()
})
