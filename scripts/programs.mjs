// Processes that run in the background until they are stopped: each in a process group of its own,
// with its output in a log file.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { root } from './paths.mjs'
import { Stop } from './progress.mjs'

const GRACE = 5000
const CLEARED = 1000
const programs = new Set()
let reaper

// `input: true` gives it a standard input that stays open as long as this process lives.
export function startProgram({ name, command, args = [], env = {}, log, input = false }) {
  fs.mkdirSync(path.dirname(log), { recursive: true })
  const file = fs.openSync(log, 'w')
  startReaper() // before the program, so that there is hardly a moment in which nobody watches it
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    detached: true,
    stdio: [input ? 'pipe' : 'ignore', file, file],
  })
  fs.closeSync(file)
  child.stdin?.on('error', () => {})
  const program = {
    name,
    log,
    pid: child.pid,
    running: true,
    wanted: true, // false once someone asked for its end
    stop: () => stop(program),
  }
  program.exited = ended(child).then(async (end) => {
    program.running = false
    if (child.pid) {
      await clear(program)
      tellReaper(`-${child.pid}`)
    }
    programs.delete(program)
    return end
  })
  programs.add(program)
  if (child.pid) tellReaper(`+${child.pid}`)
  return program
}

async function ended(child) {
  try {
    const [code, killedBy] = await once(child, 'exit') // rejects when it could not be started
    return { code, killedBy }
  } catch (error) {
    return { code: 127, error }
  }
}

// False when the group is empty.
function signal({ pid }, name) {
  try {
    return process.kill(-pid, name)
  } catch {
    return false
  }
}

// Ends whatever the program left behind. Only then are its ports and files free again.
async function clear(program) {
  const deadline = Date.now() + CLEARED
  while (signal(program, 'SIGKILL') && Date.now() < deadline) await sleep(10)
}

async function stop(program) {
  program.wanted = false
  if (program.running) signal(program, 'SIGTERM')
  const kill = setTimeout(() => signal(program, 'SIGKILL'), GRACE)
  await program.exited
  clearTimeout(kill)
}

export async function stopPrograms() {
  await Promise.all([...programs].map(stop))
}

function startReaper() {
  if (reaper) return
  const script = fileURLToPath(new URL('reaper.mjs', import.meta.url))
  const stdio = ['pipe', 'ignore', 'ignore']
  reaper = spawn(process.execPath, [script], { detached: true, stdio })
  reaper.unref()
  reaper.stdin.unref()
  reaper.stdin.on('error', () => {})
}

function tellReaper(line) {
  reaper.stdin.write(line + '\n')
}

export function lastLines(log, count = 15) {
  const lines = fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trimEnd().split('\n') : []
  return lines
    .slice(-count)
    .map((line) => `    ${line}`)
    .join('\n')
}

// Asks `isReady` until it gives something, the program has ended, or the time is up.
export async function ready(program, isReady, timeout = 60_000) {
  const deadline = Date.now() + timeout
  while (program.running && Date.now() < deadline) {
    const result = await isReady()
    if (result) return result
    await sleep(50)
  }
  const why = program.running ? `is not ready after ${timeout / 1000} seconds` : 'has ended'
  await program.stop()
  throw new Stop(
    `${program.name} ${why}. The end of ${path.relative(root, program.log)}:\n` +
      lastLines(program.log),
  )
}

export async function answers(url) {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).status === 200
  } catch {
    return false
  }
}
