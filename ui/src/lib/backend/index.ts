import type { Backend } from './backend'

/** The fake is imported only in its own mode, so that it is never part of a shipped build. */
export async function chooseBackend(): Promise<Backend> {
  if (import.meta.env.MODE === 'fake') {
    const { fakeFromLocation } = await import('./fake')
    return fakeFromLocation(location.search)
  }
  if ('__TAURI_INTERNALS__' in window) return (await import('./tauri')).tauriBackend()
  return (await import('./http')).httpBackend()
}

export type { Backend, Listener } from './backend'
