import { render, screen } from '@testing-library/svelte'
import userEvent from '@testing-library/user-event'
import { expect, it } from 'vitest'
import { fakeAccount } from '$lib/backend/fake'
import { settled, startApp } from '$lib/testing'
import App from '../../App.svelte'

it('puts its key in the place of another one in the public identity, and goes on', async () => {
  const account = { ...fakeAccount, relay: null }
  const { app, backend, stop } = await startApp({
    state: { kind: 'settingUp', account, defaultRelay: 'relay.example.com' },
    anchoring: { standing: 'otherKey' },
  })
  stop()
  render(App, { app })
  await settled()
  const user = userEvent.setup()
  backend.failures.setUp = [{ code: 'delegation.anchored_other', detail: null }]
  expect(screen.queryByTestId('key-follows')).toBeNull()
  await user.click(screen.getByTestId('set-up-submit'))
  await user.click(await screen.findByTestId('anchor-continue'))
  await user.type(await screen.findByTestId('anchor-code'), 'ABCDE-FGHIJ{Enter}')
  expect(await screen.findByTestId('recovery-words')).toBeDefined()
  expect(backend.calls.filter((call) => call.startsWith('setUp'))).toHaveLength(2)
})
