import type { ClientSink, Payload, Result, SubscriptionClient } from '../../src/client/subscription-client.ts'

export interface FedOperation {
  readonly payload: Payload
  readonly sink: ClientSink
  isOpen: boolean
}

/** A client that a test answers. It runs in browsers, too. */
export class FedClient implements SubscriptionClient {
  readonly operations: FedOperation[] = []
  readonly #listeners = new Map<string, Set<(event: unknown) => void>>()

  subscribe(payload: Payload, sink: ClientSink): () => void {
    const operation = { payload: { ...payload, variables: { ...payload.variables } }, sink, isOpen: true }
    this.operations.push(operation)
    this.onOperation?.(operation)
    return () => {
      operation.isOpen = false
    }
  }

  /** Called with each operation. */
  onOperation: ((operation: FedOperation) => void) | undefined

  on(event: 'closed' | 'error', listener: (event: unknown) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  /** The operations that were not ended. */
  get open(): FedOperation[] {
    return this.operations.filter(({ isOpen }) => isOpen)
  }

  /** The variables of each operation, in order. */
  get variables(): unknown[] {
    return this.operations.map(({ payload }) => payload.variables)
  }

  /** A result for the newest operation. */
  feed(result: Result): void {
    this.operations.at(-1)?.sink.next(result)
  }

  /** The connection is lost. */
  lose(): void {
    for (const listener of this.#listeners.get('closed') ?? []) listener({ code: 1006, reason: '' })
  }
}

/** A result of a typed field. */
export function resultOf(value: unknown, cursor: string, warren: Record<string, unknown> = {}): Result {
  return { data: { orders: value }, extensions: { warren: { cursor, ...warren } } }
}

/** As an idle subscription receives it. */
export function checkpoint(cursor: string, warren: Record<string, unknown> = {}): Result {
  return resultOf(null, cursor, { checkpoint: true, ...warren })
}
