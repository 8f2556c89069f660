/** The current minute, so that "today" turns into "yesterday" while the window stays open. */
export class Clock {
  now = $state(Date.now())

  start(): () => void {
    const timer = setInterval(() => (this.now = Date.now()), 60_000)
    return () => clearInterval(timer)
  }
}
