import { SchemaError } from '../app/schema-error.ts'
import { ConfigError } from '../config/config-error.ts'
import { GatewayError } from '../errors.ts'
import { printableLines } from './printable.ts'

export const exitStatus = { ok: 0, failed: 1, wrongUse: 2 } as const

/** A command failed for an expected reason. The message is shown to the user without a stack. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly status: number

  constructor(message: string, status: number = exitStatus.failed) {
    super(message)
    this.status = status
  }
}

/** An argument is wrong; `message` begins with its name. */
export function wrongUse(message: string): CommandFailure {
  return new CommandFailure(message, exitStatus.wrongUse)
}

/** Writes the error to standard error and returns the exit status. */
export function report(error: unknown): number {
  const { text, status } = describeFailure(error)
  process.stderr.write(`${printableLines(text)}\n`)
  return status
}

/** The text of the error for the user, and the exit status. */
export function describeFailure(error: unknown): { text: string; status: number } {
  if (error instanceof ConfigError || error instanceof SchemaError)
    return { text: error.message, status: exitStatus.wrongUse }
  if (error instanceof CommandFailure) return { text: error.message, status: error.status }
  if (error instanceof GatewayError && error.code === 'BAD_USER_INPUT') {
    return { text: error.message, status: exitStatus.wrongUse }
  }
  const text = error instanceof Error ? error.message || error.name : String(error)
  return { text, status: exitStatus.failed }
}
