import { render, screen } from '@testing-library/svelte'
import { expect, it } from 'vitest'
import ConnectionBar from './ConnectionBar.svelte'

it('is not there while all is well', () => {
  render(ConnectionBar, { status: 'online', error: null })
  expect(screen.queryByTestId('connection-bar')).toBeNull()
})

it('says why, and that nothing is lost', () => {
  const error = { code: 'relay.unreachable', detail: null }
  render(ConnectionBar, { status: 'offline', error })
  const text = screen.getByTestId('connection-bar').textContent
  expect(text).toContain('The relay cannot be reached.')
  expect(text).toContain('kept')
})

it('tells a lost core from a lost network', () => {
  render(ConnectionBar, { status: 'offline', error: { code: 'core.unreachable', detail: null } })
  expect(screen.getByTestId('connection-bar').textContent).toContain('core')
})
