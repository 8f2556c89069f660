import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { FakeBackend } from '$lib/backend/fake'
import GermNote from './GermNote.svelte'

const url = 'https://me.example.com/hello/web#did:plc:a+did:plc:b'

function open(person: { handle: string; url: string | null }) {
  const backend = new FakeBackend()
  render(GermNote, { backend, person })
  return { backend, user: userEvent.setup() }
}

it('says where the person is and opens it by their handle', async () => {
  const { backend, user } = open({ handle: 'germ.example.com', url })
  const note = screen.getByRole('status').textContent
  expect(note).toContain('germ.example.com does not use Sotto. They can be reached on Germ.')
  expect(note).toContain('me.example.com in your browser')
  expect(screen.queryByRole('link')).toBeNull()
  await user.click(screen.getByRole('button', { name: 'Open Germ' }))
  expect(backend.calls).toContain('openGerm germ.example.com')
})

it('offers nothing that the person does not offer', () => {
  open({ handle: 'shy.example.com', url: null })
  expect(screen.getByRole('status').textContent).toContain('do not offer a way to write')
  expect(screen.queryByRole('button')).toBeNull()
})

it('says why it did not open', async () => {
  const { backend, user } = open({ handle: 'germ.example.com', url })
  backend.failures.openGerm = [{ code: 'germ.no_link', detail: null }]
  await user.click(screen.getByTestId('germ-open'))
  expect((await screen.findByTestId('error')).dataset.code).toBe('germ.no_link')
})
