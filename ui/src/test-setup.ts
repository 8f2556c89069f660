import { vi } from 'vitest'

// jsdom has no layout; what observes it only needs to exist.
class Observer {
  observe() {}
  unobserve() {}
  disconnect() {}
}
vi.stubGlobal('ResizeObserver', Observer)
vi.stubGlobal('IntersectionObserver', Observer)
Element.prototype.scrollIntoView ??= () => {}
Element.prototype.scrollTo ??= () => {}
