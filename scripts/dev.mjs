// npm run dev: like npm start, for working on Sotto. A change in ui/ shows at once (Vite); a change
// in Rust is compiled, and the windows are opened anew.

import fs from 'node:fs'
import { parseArgs } from 'node:util'
import { buildPrograms, hasDisplay } from './build.mjs'
import { explain, forgetEverything, logFile, startLocalNetwork } from './local-network.mjs'
import { binary, inRoot } from './paths.mjs'
import { Stop, report, step } from './progress.mjs'
import { openWindow, session, watch } from './session.mjs'
import { answers, ready, startProgram } from './programs.mjs'
import { setup } from './setup.mjs'

const VITE = 'http://localhost:1420/' // `devUrl` of src-tauri/tauri.conf.json
const QUIET = 500 // editors save several files at once

let windows = []

await session(async () => {
  const { values } = parseArgs({ options: { fresh: { type: 'boolean' } } })
  if (!hasDisplay()) throw new Stop('npm run dev needs a display. Without one: npm start')
  await setup({ window: true, network: true })
  await build()
  if (values.fresh) forgetEverything()
  const { people } = await startLocalNetwork()
  await step("Starting Vite's dev server", startVite)
  openWindows(people)
  onRustChange(async () => {
    await build()
    await Promise.all(windows.map((window) => window.stop()))
    openWindows(people)
  })
  explain({ people, where: 'Two windows are open. They follow your changes in ui/ and in Rust.' })
})

function build() {
  return buildPrograms(['sotto-relay', 'sotto-desktop'], { embedUi: false })
}

async function startVite() {
  const args = ['run', 'dev', '-w', 'ui']
  const vite = startProgram({ name: 'Vite', command: 'npm', args, log: logFile('vite') })
  await ready(vite, () => answers(VITE))
  watch(vite)
}

function openWindows(people) {
  windows = people.map(({ account, env }) =>
    openWindow({
      name: `${account.displayName}'s window`,
      command: binary('sotto-desktop'),
      env: { ...env, SOTTO_WINDOW_TITLE: `Sotto · ${account.displayName} (dev)` },
      log: logFile(`window-${account.name}`),
      onClosed: ({ name }) => console.log(`${name} is closed; it opens again with the next build.`),
    }),
  )
}

// One build at a time; what changes meanwhile is built after it. A failed build leaves the windows
// as they are. The relays go on as they were started.
function onRustChange(rebuild) {
  let timer
  let queue = Promise.resolve()
  const changed = (_, file) => {
    if (!/\.(rs|toml|sql)$/.test(file ?? '')) return
    clearTimeout(timer)
    timer = setTimeout(() => (queue = queue.then(rebuild).catch(report)), QUIET)
  }
  for (const folder of ['crates', 'src-tauri']) {
    fs.watch(inRoot(folder), { recursive: true }, changed)
  }
}
