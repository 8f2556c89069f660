// What a person sees while the scripts work: one line per step, with the time it took. On standard
// error, because some scripts have a result to print.

const SHOW_AFTER = 400

export const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`

// The name appears at once only when the step turns out to take a moment: most steps of a second
// run take none.
export async function step(name, work) {
  const started = performance.now()
  const announce = setTimeout(() => console.error(`→ ${name} …`), SHOW_AFTER)
  try {
    const result = await work()
    console.error(`✓ ${name} (${seconds(performance.now() - started)})`)
    return result
  } finally {
    clearTimeout(announce)
  }
}

// An error whose message is for the person at the keyboard: shown without a stack trace.
export class Stop extends Error {}

export function report(error) {
  console.error(error instanceof Stop ? `\n${error.message}` : error)
  process.exitCode = 1
}
