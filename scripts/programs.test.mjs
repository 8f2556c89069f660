// What must hold for everything `npm start` and the tests start: it is ready when they say so, and
// nothing of it stays behind.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { choosePorts } from './ports.mjs'
import { lastLines, ready, startProgram } from './programs.mjs'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sotto-scripts-'))
after(() => fs.rmSync(folder, { recursive: true }))

let count = 0
function start(script) {
  count += 1
  const log = path.join(folder, `${count}.log`)
  return startProgram({ name: 'example', command: 'sh', args: ['-c', script], log })
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    // An ended process whose parent has not looked yet still has its number.
    return !/^\d+ \(.*\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

// A program that starts a child of its own, and the child's number.
async function startWithChild(prelude = '') {
  const program = start(`${prelude} sleep 600 & echo $!; wait`)
  const child = await ready(program, () => Number(lastLines(program.log)))
  return { program, child }
}

test('stopping ends a program and its children', async () => {
  const { program, child } = await startWithChild()
  assert.ok(isAlive(child))
  await program.stop()
  assert.equal(program.running, false)
  assert.equal(isAlive(child), false)
})

test('what a program leaves behind when it ends by itself is ended too', async () => {
  const program = start('sleep 600 & echo $!')
  const { code } = await program.exited
  assert.equal(code, 0)
  await sleep(100)
  assert.equal(isAlive(Number(lastLines(program.log))), false)
})

test('nothing stays when the script itself is killed', async () => {
  const log = path.join(folder, 'orphan.log')
  const script = `
    import { startProgram } from ${JSON.stringify(new URL('programs.mjs', import.meta.url).href)}
    startProgram({ name: 'x', command: 'sh', args: ['-c', 'sleep 600 & echo $!; wait'],
      log: ${JSON.stringify(log)} })
    console.log('started')`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script])
  await once(parent.stdout, 'data')
  while (!Number(lastLines(log))) await sleep(20)
  const child = Number(lastLines(log))
  assert.ok(isAlive(child))
  parent.kill('SIGKILL')
  await once(parent, 'exit')
  const deadline = Date.now() + 3000
  while (isAlive(child) && Date.now() < deadline) await sleep(20)
  assert.equal(isAlive(child), false)
})

test('a program that ends before it is ready is reported with its last lines', async () => {
  const program = start('echo first; echo the reason >&2; exit 7')
  await assert.rejects(
    ready(program, () => false),
    /example has ended[^]*first\n\s+the reason/,
  )
})

test('a program that is never ready is stopped', async () => {
  const program = start('sleep 600')
  await assert.rejects(
    ready(program, () => false, 200),
    /not ready after 0.2 seconds/,
  )
  assert.equal(program.running, false)
})

test('a program that does not exist is reported', async () => {
  const log = path.join(folder, 'missing.log')
  const program = startProgram({ name: 'missing', command: '/nonexistent', log })
  assert.equal((await program.exited).code, 127)
})

test('ports are remembered, and one that accounts are bound to is not replaced', async () => {
  const data = path.join(folder, 'ports')
  const first = await choosePorts(data)
  assert.equal(new Set(Object.values(first)).size, 8)
  assert.deepEqual(await choosePorts(data), first)
  const taken = net.createServer().listen(first.pds0, '127.0.0.1')
  await once(taken, 'listening')
  await assert.rejects(choosePorts(data), /in use/)
  taken.close()
  await once(taken, 'close')
  const movable = net.createServer().listen(first.shell0, '127.0.0.1')
  await once(movable, 'listening')
  const { shell0, ...others } = await choosePorts(data)
  assert.notEqual(shell0, first.shell0)
  assert.deepEqual({ shell0: first.shell0, ...others }, first)
  movable.close()
})
