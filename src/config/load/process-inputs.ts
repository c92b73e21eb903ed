import { readFileSync } from 'node:fs'
import type { ConfigInputs } from './load.ts'

/** What this process was started with. The only place that reads the environment. */
export function processInputs(argv: readonly string[]): ConfigInputs {
  return { argv, env: process.env, readFile: (path) => readFileSync(path, 'utf8') }
}
