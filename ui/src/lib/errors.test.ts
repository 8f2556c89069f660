import { describe, expect, it } from 'vitest'
import texts from '../../messages/en.json'
import { asErrorView, ERROR_CODES, errorText } from './errors'

describe('error texts', () => {
  it.each(ERROR_CODES)('%s says what happened and what to do', (code) => {
    const { what, todo } = errorText(code)
    expect(what).toMatch(/^[A-Z].+\.$/)
    expect(todo).toMatch(/^[A-Z].+\.$/)
    expect(todo).not.toContain(code)
  })

  it('has no text without a code', () => {
    const known = new Set(ERROR_CODES.map((code) => 'error_' + code.replaceAll('.', '_')))
    const written = Object.keys(texts).filter((key) => /^error_.+_(what|do)$/.test(key))
    const stems = written.map((key) => key.replace(/_(what|do)$/, ''))
    expect(stems.filter((stem) => !known.has(stem) && stem !== 'error_fallback')).toEqual([])
  })

  it('shows an unknown code', () => {
    expect(errorText('made.up').todo).toContain('made.up')
  })
})

describe('asErrorView', () => {
  it('keeps what the core said', () => {
    expect(asErrorView({ code: 'offline', detail: 'x' })).toEqual({ code: 'offline', detail: 'x' })
  })

  it('makes anything else an internal error', () => {
    expect(asErrorView(new Error('boom'))).toEqual({ code: 'internal', detail: 'boom' })
    expect(asErrorView('boom').code).toBe('internal')
  })
})
