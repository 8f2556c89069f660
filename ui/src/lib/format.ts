import { m } from '$lib/paraglide/messages'
import { getLocale } from '$lib/paraglide/runtime'

const DAY = 86_400_000

/** The system's regional habits where they speak the interface's language, else the interface's own. */
function locale(): string {
  const own = getLocale()
  return navigator.languages.find((tag) => tag.split('-')[0] === own) ?? own
}

const cache = new Map<string, Intl.DateTimeFormat>()

function format(ms: number, options: Intl.DateTimeFormatOptions): string {
  const key = JSON.stringify(options)
  let formatter = cache.get(key)
  if (!formatter) cache.set(key, (formatter = new Intl.DateTimeFormat(locale(), options)))
  return formatter.format(ms)
}

/** A number that is the same for every moment of one local day. */
export function localDay(ms: number): number {
  const date = new Date(ms)
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY)
}

export function clockTime(ms: number): string {
  return format(ms, { hour: 'numeric', minute: '2-digit' })
}

export function fullTime(ms: number): string {
  return format(ms, { dateStyle: 'full', timeStyle: 'short' })
}

export function longDate(ms: number): string {
  return format(ms, { dateStyle: 'long' })
}

export function dayLabel(ms: number, now: number): string {
  const age = localDay(now) - localDay(ms)
  if (age === 0) return m.timeline_today()
  if (age === 1) return m.timeline_yesterday()
  if (age > 1 && age < 7) return format(ms, { weekday: 'long' })
  if (age >= 7 && age < 300) return format(ms, { weekday: 'long', day: 'numeric', month: 'long' })
  return format(ms, { day: 'numeric', month: 'long', year: 'numeric' })
}

/** As short as a list allows: the time today, then the weekday, then the date. */
export function listTime(ms: number, now: number): string {
  const age = localDay(now) - localDay(ms)
  if (age === 0) return clockTime(ms)
  if (age === 1) return m.timeline_yesterday()
  if (age > 1 && age < 7) return format(ms, { weekday: 'short' })
  if (age >= 7 && age < 300) return format(ms, { day: 'numeric', month: 'short' })
  return format(ms, { day: 'numeric', month: 'numeric', year: '2-digit' })
}

const units = [
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** A length of time in the largest unit that it is a whole number of. */
export function timerLabel(seconds: number, unitDisplay: 'long' | 'narrow' = 'long'): string {
  const [unit, length] =
    units.find(([, length]) => seconds % length === 0) ?? (['second', 1] as const)
  const style = 'unit' as const
  return new Intl.NumberFormat(locale(), { style, unit, unitDisplay }).format(seconds / length)
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const

/** `3.2 MB` */
export function fileSize(bytes: number): string {
  let [value, unit] = [bytes, 0]
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return new Intl.NumberFormat(locale(), {
    style: 'unit',
    unit: UNITS[unit] ?? 'byte',
    unitDisplay: unit === 0 ? 'long' : 'short',
    maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0,
  }).format(value)
}
