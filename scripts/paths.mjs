// Where things are. Everything downloaded, built or kept between runs (except Cargo's and npm's own
// folders) is under .cache/, which git ignores.

import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
export const inRoot = (...parts) => path.join(root, ...parts)
export const inCache = (...parts) => path.join(root, '.cache', ...parts)

export function binary(name, profile = 'debug') {
  return path.join(process.env.CARGO_TARGET_DIR ?? inRoot('target'), profile, name)
}
