import { readFileSync } from 'node:fs'
import type { Surroundings } from './load.ts'

/** What this process was started with. The only place that reads the environment. */
export function surroundings(argv: readonly string[]): Surroundings {
  return { argv, env: process.env, readFile: (path) => readFileSync(path, 'utf8') }
}
