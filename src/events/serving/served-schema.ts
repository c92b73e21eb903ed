import type { GraphQLSchema } from 'graphql'
import type { NamedEvents } from './named-events.ts'
import type { TypedOperations } from './typed-operations.ts'

export interface Served {
  readonly schema: GraphQLSchema
  /** Undefined without `WARREN_SCHEMA`, as `named`. */
  readonly operations: TypedOperations | undefined
  readonly named: NamedEvents | undefined
}

/** What is served now. A reload replaces it, and the transports read it at each use. */
export class ServedSchema {
  #current: Served

  constructor(current: Served) {
    this.#current = current
  }

  get current(): Served {
    return this.#current
  }

  replace(next: Served): void {
    this.#current = next
  }
}
