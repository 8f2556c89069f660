import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import { conversationId } from '$lib/backend/fake-data'
import { messages, settled, startApp, talk } from '$lib/testing'
import { fakeAccount } from '$lib/backend/fake'
import Main from '$lib/views/Main.svelte'

async function open() {
  const { app, backend } = await startApp({ seed: talk(messages(1, 200)) })
  render(Main, { account: fakeAccount, app })
  const user = userEvent.setup()
  const input = screen.getByTestId<HTMLInputElement>('search-input')
  return { app, backend, user, input }
}

it('finds as one types, marks what was found, and jumps there with Enter', async () => {
  const { app, user, input } = await open()
  await user.type(input, 'message 17')
  const expected = [...Array.from({ length: 10 }, (_, n) => 179 - n), 17].map(String)
  const hits = await vi.waitFor(() => {
    const hits = screen.getAllByTestId('search-hit')
    expect(hits.map((hit) => hit.dataset.message)).toEqual(expected)
    return hits
  })
  expect([...(hits[0]?.querySelectorAll('mark') ?? [])].map((it) => it.textContent)).toEqual([
    'message',
    '179',
  ])
  await user.keyboard('{ArrowDown}{Enter}')
  await settled()
  expect(app.timeline?.id).toBe(conversationId(0))
  expect(app.timeline?.target).toEqual({ id: 178 })
  expect(document.activeElement?.getAttribute('data-testid')).not.toBeNull()
})

it('says when nothing was found, and Escape brings the list back', async () => {
  const { user, input } = await open()
  await user.type(input, 'zebra')
  await screen.findByTestId('search-nothing')
  await user.keyboard('{Escape}')
  expect(input.value).toBe('')
  expect(screen.queryByTestId('search-nothing')).toBeNull()
  expect(screen.getByTestId('conversation-item')).toBeTruthy()
})

it('looks in the open conversation with Ctrl+F, and in all with Shift', async () => {
  const { app, user, input } = await open()
  app.select(conversationId(0))
  await settled()
  await user.keyboard('{Control>}f{/Control}')
  expect(app.search.within).toBe(conversationId(0))
  expect(document.activeElement).toBe(input)
  await user.keyboard('{Control>}{Shift>}f{/Shift}{/Control}')
  expect(app.search.within).toBeNull()
})
