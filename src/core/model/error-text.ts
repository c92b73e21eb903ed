import { types } from 'node:util'

/** What was thrown, as text for people: the message of an error, else the value printed. */
export function errorText(thrown: unknown): string {
  return isError(thrown) ? thrown.message : String(thrown)
}

/** The same with the stack, for an error that nothing in the code expects. */
export function errorStack(thrown: unknown): string {
  return isError(thrown) ? (thrown.stack ?? thrown.message) : String(thrown)
}

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(String(thrown))
}

/** Node's own errors may come from another realm, where `instanceof` fails. */
function isError(thrown: unknown): thrown is Error {
  return types.isNativeError(thrown) || thrown instanceof Error
}
