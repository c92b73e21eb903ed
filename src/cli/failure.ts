import { ConfigError } from '../config/config-error.ts'
import { GatewayError } from '../errors.ts'
import { printableLines } from './printable.ts'

export const exitStatus = { ok: 0, failed: 1, wrongUse: 2 } as const

/**
 * A command cannot do what it was asked for. The message is the sentence that is shown; no stack.
 */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly status: number

  constructor(message: string, status: number = exitStatus.failed) {
    super(message)
    this.status = status
  }
}

/** An argument is wrong; `message` begins with it. */
export function wrongUse(message: string): CommandFailure {
  return new CommandFailure(message, exitStatus.wrongUse)
}

/** Says what went wrong, whatever was thrown; returns the status to end with. */
export function report(error: unknown): number {
  const { text, status } = lastWords(error)
  process.stderr.write(`${printableLines(text)}\n`)
  return status
}

/** What is said of it, and the status to end with. */
export function lastWords(error: unknown): { text: string; status: number } {
  if (error instanceof ConfigError) return { text: error.message, status: exitStatus.wrongUse }
  if (error instanceof CommandFailure) return { text: error.message, status: error.status }
  if (error instanceof GatewayError && error.code === 'BAD_USER_INPUT') {
    return { text: error.message, status: exitStatus.wrongUse }
  }
  const text = error instanceof Error ? error.message || error.name : String(error)
  return { text, status: exitStatus.failed }
}
