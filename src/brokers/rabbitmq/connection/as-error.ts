import { types } from 'node:util'

/** What was thrown, as an error. Node's own errors may come from another realm, where `instanceof` fails. */
export function asError(thrown: unknown): Error {
  return types.isNativeError(thrown) || thrown instanceof Error ? thrown : new Error(String(thrown))
}
