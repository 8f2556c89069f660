// Tests of one world, each of which goes on where the one before ended.

import { after, test } from 'node:test'

// Gives the function that adds a test. `world` gives the world, once there is one.
export function story(world) {
  let failed = false
  after(() => world()?.stop({ keepLogs: failed }))
  return (name, work) =>
    test(name, async (context) => {
      // Without the one before there is nothing to go on from.
      if (failed) return context.skip('an earlier one failed')
      try {
        await work()
      } catch (error) {
        failed = true
        world().pictureFailure()
        throw error
      }
    })
}
