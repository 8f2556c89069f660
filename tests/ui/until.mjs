// Waiting for what another process does.

import { setTimeout as sleep } from 'node:timers/promises'

// Asks until the answer is truthy, and gives it. `what` names the thing in the failure.
export async function until(what, ask, { timeout = 20_000, every = 50 } = {}) {
  const deadline = Date.now() + timeout
  let last
  for (;;) {
    try {
      const answer = await ask()
      if (answer) return answer
      last = answer
    } catch (error) {
      last = error.message
    }
    if (Date.now() > deadline) {
      throw new Error(`Not within ${timeout / 1000} s: ${what} (last: ${JSON.stringify(last)})`)
    }
    await sleep(every)
  }
}
