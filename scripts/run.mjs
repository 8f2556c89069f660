// Runs a command to its end, with its output going straight to the terminal.

import { spawn, spawnSync } from 'node:child_process'
import { root } from './paths.mjs'
import { Stop } from './progress.mjs'

const running = new Set()

// A group of its own, so that a command and everything it started can be ended together. Not for
// `sudo`, which needs the terminal to ask for the password.
export function exitCodeOf(command, args, options = {}) {
  const { cwd = root, env = {}, stdio = 'inherit', ownGroup = true, limit } = options
  return new Promise((resolve, reject) => {
    const environment = { ...process.env, ...env }
    const child = spawn(command, args, { cwd, env: environment, stdio, detached: ownGroup })
    const entry = { child, ownGroup }
    running.add(entry)
    const late =
      limit &&
      setTimeout(() => {
        console.error(`${command} is not done after ${limit / 60000} minutes: ended`)
        signal(entry, 'SIGKILL')
      }, limit)
    const settle = (then) => (value) => {
      clearTimeout(late)
      running.delete(entry)
      then(value)
    }
    child.on(
      'error',
      settle(() => reject(new Stop(`${command} could not be started`))),
    )
    child.on(
      'exit',
      settle((code) => resolve(code ?? 1)),
    )
  })
}

export async function run(command, args, options) {
  const code = await exitCodeOf(command, args, options)
  if (code !== 0) throw new Stop(`Failed (exit code ${code}): ${command} ${args.join(' ')}`)
}

export function endRunning() {
  for (const entry of running) signal(entry, 'SIGTERM')
}

function signal({ child, ownGroup }, name) {
  try {
    process.kill(ownGroup ? -child.pid : child.pid, name)
  } catch {
    // it has ended already
  }
}

// What a command prints, or undefined when it fails or does not exist.
export function output(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', cwd: root })
  return status === 0 ? stdout.trim() : undefined
}
