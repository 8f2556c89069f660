import { invoke } from '@tauri-apps/api/core'
import { listen } from '@tauri-apps/api/event'
import type { AppEvent } from '$lib/generated/AppEvent'
import type { Backend } from './backend'
import { commands } from './commands'

export function tauriBackend(): Backend {
  return {
    ...commands((command, args) => invoke(command, args)),
    listen({ event, link }) {
      let stopped = false
      let stop: (() => void) | undefined
      listen<AppEvent>('app-event', ({ payload }) => event(payload)).then(
        (unlisten) => {
          if (stopped) return unlisten()
          stop = unlisten
          // Registration is asynchronous: whatever happened before it was not heard.
          event({ kind: 'overflowed' })
        },
        () => link(false),
      )
      return () => {
        stopped = true
        stop?.()
      }
    },
  }
}
