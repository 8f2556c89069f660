// Builds what is to be started. Cargo's and Vite's own output goes through.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { inCache, inRoot } from './paths.mjs'
import { step } from './progress.mjs'
import { run } from './run.mjs'

// Embeds the built UI in the window's program; without it a debug build loads Vite's dev server.
const EMBED = ['--features', 'sotto-desktop/custom-protocol']

export const hasDisplay = () =>
  process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)

// Skipped while neither a file of ui/ nor what was built from them has changed: Vite itself always
// builds everything.
export async function buildUi() {
  const stamp = inCache('stamps', 'ui-build')
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === uiState()) return
  await step('Building the user interface', () => run('npm', ['run', 'build', '-w', 'ui']))
  fs.mkdirSync(path.dirname(stamp), { recursive: true })
  fs.writeFileSync(stamp, uiState())
}

function uiState() {
  const files = [inRoot('package-lock.json'), inRoot('ui/dist/index.html')]
  const contents = files.map((file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''))
  return createHash('sha256')
    .update(digestOf(inRoot('ui')))
    .update(contents.join())
    .digest('hex')
}

function digestOf(folder) {
  const generated = ['node_modules', 'dist', 'dist-fake', 'paraglide', '.svelte-kit']
  const hash = createHash('sha256')
  const visit = (directory) => {
    for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
      const file = path.join(directory, entry.name)
      if (generated.includes(entry.name)) continue
      if (entry.isDirectory()) visit(file)
      else hash.update(file).update(fs.readFileSync(file))
    }
  }
  visit(folder)
  return hash.digest('hex')
}

// `names` are packages of the workspace.
export function buildPrograms(names, { embedUi = true } = {}) {
  const features = embedUi && names.includes('sotto-desktop') ? EMBED : []
  const packages = names.flatMap((name) => ['-p', name])
  return step(`Building ${names.join(', ')} (the first time takes minutes)`, () =>
    run('cargo', ['build', ...packages, ...features]),
  )
}

// The same set of packages and features for building and for testing, so that Cargo compiles the
// dependencies once.
export const WHOLE_WORKSPACE = ['--workspace', ...EMBED]
