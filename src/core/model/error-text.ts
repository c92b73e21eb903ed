import { types } from 'node:util'

/** A thrown value as text for people: the message of an error, or the printed value. */
export function errorText(thrown: unknown): string {
  return isError(thrown) ? thrown.message : String(thrown)
}

/** Like `errorText`, with the stack. For errors that the code does not expect. */
export function errorStack(thrown: unknown): string {
  return isError(thrown) ? (thrown.stack ?? thrown.message) : String(thrown)
}

/** A thrown value as an error. */
export function asError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(String(thrown))
}

/** Errors of Node itself may come from another realm, where `instanceof` fails. */
function isError(thrown: unknown): thrown is Error {
  return types.isNativeError(thrown) || thrown instanceof Error
}
