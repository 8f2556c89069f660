import { render, screen, waitFor } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import type { MessageView } from '$lib/generated/MessageView'
import { FakeBackend } from '$lib/backend/fake'
import { bob, message, noDeeds, talk } from '$lib/testing'
import Message from './Message.svelte'
import EditsDialog from './EditsDialog.svelte'
import ReceiptsDialog from './ReceiptsDialog.svelte'
import TimerMenu from './TimerMenu.svelte'

function show(more: Partial<MessageView>) {
  const deeds = { ...noDeeds, react: vi.fn(), reply: vi.fn(), edit: vi.fn(), jump: vi.fn() }
  const remove = vi.fn()
  const view = message(1, more)
  const nothing = { retry: () => {}, inspect: () => {} }
  render(Message, { message: view, peer: bob, deeds, remove, ...nothing })
  return { deeds, remove, view, item: screen.getByTestId('message') }
}

async function menu(more: Partial<MessageView>) {
  const shown = show(more)
  await userEvent.click(screen.getByTestId('message-menu'))
  await screen.findByTestId('message-delete')
  return shown
}

it('quotes what is answered, and leads there', async () => {
  const replyTo = { messageId: 7, mine: true, text: 'the question', file: null }
  const { deeds } = show({ replyTo })
  const quote = screen.getByTestId('message-quote')
  expect(quote.textContent).toContain('You')
  expect(quote.textContent).toContain('the question')
  await userEvent.click(quote)
  expect(deeds.jump).toHaveBeenCalledWith(7)
})

it('says that what was answered is not here, and leads nowhere', () => {
  show({ replyTo: { messageId: null, mine: false, text: null, file: null } })
  const quote = screen.getByTestId<HTMLButtonElement>('message-quote')
  expect(quote.textContent).toContain('not here any more')
  expect(quote.disabled).toBe(true)
})

it('shows whose reactions there are, and takes back one’s own', async () => {
  const reactions = [
    { emoji: '🌳', mine: true, peer: true },
    { emoji: '❤️', mine: false, peer: true },
  ]
  const { deeds, item } = show({ reactions })
  const [tree, heart] = screen.getByTestId('message-reactions').querySelectorAll('button')
  expect(tree?.getAttribute('aria-label')).toBe('🌳 from You, Bob')
  expect(heart?.getAttribute('aria-pressed')).toBe('false')
  expect(item.getAttribute('aria-label')).toContain('🌳 ❤️')
  if (!tree || !heart) throw new Error('two reactions')
  await userEvent.click(tree)
  await userEvent.click(heart)
  expect(deeds.react.mock.calls).toEqual([
    [1, null],
    [1, '❤️'],
  ])
})

it('says that it was edited, and when it disappears', () => {
  const { item } = show({ editedAt: Date.UTC(2025, 4, 6), expiresIn: 3600 })
  expect(screen.getByTestId('message-edited').textContent).toBe('edited')
  expect(item.getAttribute('aria-label')).toContain('edited')
  expect(screen.getByTestId('message-timer').title).toBe('Disappears 1 hour after it was read')
})

it('shows of a deleted one only that, and offers nothing but to remove the mark', async () => {
  const { item, remove } = await menu({ text: null, deleted: true, mine: true })
  expect(item.textContent).toContain('This message was deleted.')
  expect(screen.queryByTestId('message-reply')).toBeNull()
  expect(screen.queryByTestId('message-edit')).toBeNull()
  await userEvent.click(screen.getByTestId('message-delete'))
  expect(remove).toHaveBeenCalledOnce()
})

it('lets one reply to the other’s message, and not edit it', async () => {
  const { deeds, view } = await menu({ mine: false })
  expect(screen.queryByTestId('message-edit')).toBeNull()
  await userEvent.click(screen.getByTestId('message-reply'))
  expect(deeds.reply).toHaveBeenCalledWith(view)
})

it('lets one edit an own message', async () => {
  const { deeds, view } = await menu({ mine: true })
  await userEvent.click(screen.getByTestId('message-edit'))
  expect(deeds.edit).toHaveBeenCalledWith(view)
})

it('takes any other emoji that is typed', async () => {
  const { deeds } = await menu({})
  await userEvent.type(screen.getByTestId('message-reaction-other'), '🪨{Enter}')
  expect(deeds.react).toHaveBeenCalledWith(1, '🪨')
})

it('offers times, the present one among them', async () => {
  const choose = vi.fn()
  render(TimerMenu, { timer: 120, choose })
  expect(screen.getByTestId('timer').textContent).toContain('2')
  await userEvent.click(screen.getByTestId('timer'))
  const choices = await screen.findAllByTestId('timer-choice')
  const labels = choices.map((choice) => choice.textContent?.trim())
  expect(labels).toEqual(['Off', '1 hour', '1 day', '1 week', '4 weeks', '2 minutes'])
  expect(choices.at(-1)?.getAttribute('aria-checked')).toBe('true')
  await userEvent.click(choices[2] as HTMLElement)
  await waitFor(() => expect(choose).toHaveBeenCalledWith(86_400))
})

it('shows what a message said before', async () => {
  const own = message(1, { mine: true, text: 'first' })
  const backend = new FakeBackend({ seed: talk([own]) })
  await backend.editMessage(1, 'second')
  await backend.editMessage(1, 'third')
  render(EditsDialog, { backend, messageId: 1, close: () => {} })
  const list = await screen.findByTestId('edits')
  expect([...list.querySelectorAll('bdi')].map((it) => it.textContent)).toEqual(['first', 'second'])
})

it('tells others what one has chosen to tell', async () => {
  const backend = new FakeBackend()
  render(ReceiptsDialog, { backend, close: () => {} })
  const box = (name: string) => screen.getByTestId<HTMLInputElement>(`receipts-${name}`)
  await waitFor(() => expect(box('read').checked).toBe(true))
  expect(box('typing').checked).toBe(false)
  await userEvent.click(box('read'))
  await userEvent.click(box('typing'))
  await waitFor(async () => expect(await backend.receipts()).toEqual({ read: false, typing: true }))
})

it('keeps what is shown where it could not be chosen, and says why', async () => {
  const backend = new FakeBackend()
  backend.failures.setReceipts = [{ code: 'database.full', detail: null }]
  render(ReceiptsDialog, { backend, close: () => {} })
  const box = await screen.findByTestId<HTMLInputElement>('receipts-read')
  await waitFor(() => expect(box.checked).toBe(true))
  await userEvent.click(box)
  expect(await screen.findByText(/no space left/)).toBeDefined()
  expect((await backend.receipts()).read).toBe(true)
})

const picture = {
  index: 0,
  name: 'hills.png',
  mime: 'image/png',
  size: 9,
  dangerous: false,
  state: 'uploading' as const,
  done: 3,
  error: null,
  thumbnail: null,
  width: null,
  height: null,
}

it('offers nothing that the other side could not make sense of while the file is on its way', async () => {
  const waiting = { mine: true, state: 'sending' as const, waitsForFile: true, text: '' }
  const { item } = await menu({ ...waiting, attachments: [picture] })
  expect(screen.queryByTestId('message-reply')).toBeNull()
  expect(screen.queryByTestId('message-reaction-other')).toBeNull()
  expect(screen.getByTestId('message-edit')).toBeTruthy()
  expect(item.getAttribute('aria-label')).toContain('Picture: hills.png')
  expect(item.querySelector('.text')).toBeNull()
})

it('names a file without words where it is answered', () => {
  const file = { name: 'hills.png', mime: 'image/png' }
  show({ replyTo: { messageId: 7, mine: true, text: '', file } })
  expect(screen.getByTestId('message-quote').textContent).toContain('Picture: hills.png')
})

it('says that a deletion was never confirmed, and offers no retry for what is deleted', () => {
  const error = { code: 'message.deletion_unheard', detail: null }
  const { item } = show({ mine: true, state: 'failed', text: null, deleted: true, error })
  expect(item.textContent).toContain('never confirmed that it deleted this message')
  expect(screen.queryByTestId('message-retry')).toBeNull()
})

it('offers no download of what never came to a relay', () => {
  const error = { code: 'attachment.quota', detail: null }
  const files = [{ ...picture, state: 'failed' as const, error }]
  const view = { mine: true, state: 'failed' as const, error, waitsForFile: true }
  const { item } = show({ ...view, attachments: files })
  expect(screen.queryByTestId('attachment-fetch')).toBeNull()
  expect(item.querySelectorAll('[data-code="attachment.quota"]').length).toBe(1)
})

it.each([
  ['relay.unreachable', true],
  ['attachment.gone', false],
  ['attachment.invalid', false],
])('offers to download again what may come: %s', (code, offered) => {
  const error = { code, detail: null }
  show({ attachments: [{ ...picture, state: 'failed', error }] })
  expect(screen.queryByTestId('attachment-fetch') !== null).toBe(offered)
})
