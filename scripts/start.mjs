// npm start: everything on this machine, to try Sotto as two people. No account anywhere is needed.
//
//   npm start [-- --fresh]     --fresh: forget the accounts and messages of earlier starts

import { parseArgs } from 'node:util'
import { buildPrograms, buildUi, hasDisplay } from './build.mjs'
import { explain, forgetEverything, logFile, startLocalNetwork } from './local-network.mjs'
import { startDevshell } from './network-lib.mjs'
import { binary } from './paths.mjs'
import { step } from './progress.mjs'
import { openWindow, session, watch } from './session.mjs'
import { setup } from './setup.mjs'

await session(async () => {
  const { values } = parseArgs({ options: { fresh: { type: 'boolean' } } })
  const window = hasDisplay()
  await setup({ window, network: true })
  await buildUi()
  await buildPrograms(['sotto-relay', window ? 'sotto-desktop' : 'sotto-devshell'])
  if (values.fresh) forgetEverything()
  const { people } = await startLocalNetwork()
  if (window) openWindows(people)
  else await step('Starting Sotto twice', () => startShells(people))
  const where = window
    ? 'Two windows are open, one for each of them.'
    : 'This machine has no display: open the two addresses above in a browser, in two windows.'
  explain({ people, where })
})

function openWindows(people) {
  let open = people.length
  for (const { account, env } of people) {
    const name = `${account.displayName}'s window`
    openWindow({
      name,
      command: binary('sotto-desktop'),
      env: { ...env, SOTTO_WINDOW_TITLE: `Sotto · ${account.displayName}` },
      log: logFile(`window-${account.name}`),
      onClosed() {
        open -= 1
        console.log(`${name} is closed; the rest goes on.`)
        if (open === 0) console.log('No window is open any more: Ctrl-C ends the network.')
      },
    })
  }
}

async function startShells(people) {
  for (const person of people) {
    const name = `Sotto for ${person.account.displayName}`
    const log = logFile(`shell-${person.account.name}`)
    const shell = await startDevshell({ name, port: person.shellPort, env: person.env, log })
    watch(shell.program)
    person.url = shell.url
  }
}
