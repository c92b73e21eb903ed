/** Limit of an operation's id, which is repeated in each of its results. */
export const maxIdBytes = 256

/**
 * The messages of a protocol with many operations on one connection. All are whole frames as the
 * bytes of a latin1 string.
 */
export interface OperationFrames {
  /** What a result's message has before the result; the same for all results of the operation. */
  startOf(id: string): string
  /** What comes before `startOf`, for a message of this length (its start, the result, a brace). */
  headOf(bytes: number): string
  /** What comes after the result and the brace. */
  readonly tail: string
  result(id: string, payload: object): string
  /** The operation failed and is over. */
  errors(id: string, errors: readonly object[]): string
  /** The operation is over, after its last result. */
  complete(id: string): string
}
