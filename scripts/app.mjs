// npm run app: Sotto as a user has it, one window, with the real network.

import { buildPrograms, buildUi, hasDisplay } from './build.mjs'
import { binary, inCache } from './paths.mjs'
import { Stop } from './progress.mjs'
import { end, openWindow, session } from './session.mjs'
import { setup } from './setup.mjs'

await session(async () => {
  if (!hasDisplay()) throw new Stop('There is no display to open a window on.')
  await setup({ window: true })
  await buildUi()
  await buildPrograms(['sotto-desktop'])
  const log = inCache('start/app.log')
  const window = openWindow({
    name: 'Sotto',
    command: binary('sotto-desktop'),
    log,
    onClosed: async () => end((await window.exited).code),
  })
  console.log('Sotto is open. Close the window or press Ctrl-C to end it.')
})
