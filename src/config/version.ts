import { readFileSync } from 'node:fs'

/** From package.json, which is at the same relative path from `src` and from `dist`. */
export const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
