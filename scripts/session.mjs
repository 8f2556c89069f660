// What `npm start`, `npm run dev` and `npm run app` have in common: Ctrl-C ends everything that was
// started, and whatever ends by itself is reported.

import path from 'node:path'
import { root } from './paths.mjs'
import { report } from './progress.mjs'
import { endRunning } from './run.mjs'
import { lastLines, startProgram, stopPrograms } from './programs.mjs'

let ending

// Runs `main`, which resolves when everything is started; then stays until it is told to end.
export async function session(main) {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => end(0))
  try {
    await main()
  } catch (error) {
    if (ending) return
    report(error)
    await end(1)
  }
}

export function end(code) {
  ending ??= (async () => {
    endRunning()
    await stopPrograms()
    process.exit(code)
  })()
  return ending
}

// Says so when a background process ends without having been asked to.
export async function watch(program) {
  const { code, killedBy } = await program.exited
  if (!program.wanted || ending) return
  const how = killedBy ? `was ended by ${killedBy}` : `has ended with exit code ${code}`
  const log = path.relative(root, program.log)
  console.log(`\n${program.name} ${how}. The end of ${log}:\n${lastLines(program.log)}`)
}

// A window of Sotto. A user may close it: that is no failure and ends nothing else.
export function openWindow({ name, command, env, log, onClosed }) {
  const program = startProgram({ name, command, env, log })
  program.exited.then(({ code }) => {
    if (!program.wanted || ending) return
    if (code === 0) onClosed(program)
    else watch(program).then(() => onClosed(program))
  })
  return program
}
