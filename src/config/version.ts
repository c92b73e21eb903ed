import { readFileSync } from 'node:fs'

/** From package.json, which lies at the same distance from `src` and `dist`. */
export const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
