// Ends process groups when the script that started them is gone, however it went (even SIGKILL,
// which no script can handle). Reads `+GROUP` and `-GROUP` lines; when its input closes, everything
// still on the list is ended.

import { createInterface } from 'node:readline'

const GRACE = 3000
const groups = new Set()

function signal(name) {
  for (const group of groups) {
    try {
      process.kill(-group, name)
    } catch {
      groups.delete(group)
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const group = Number(line.slice(1))
  if (line.startsWith('+')) groups.add(group)
  else groups.delete(group)
}
signal('SIGTERM')
const deadline = Date.now() + GRACE
while (groups.size > 0 && Date.now() < deadline) {
  await new Promise((resolve) => setTimeout(resolve, 50))
  signal(0)
}
signal('SIGKILL')
