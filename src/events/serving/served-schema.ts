import type { GraphQLSchema } from 'graphql'
import type { NamedEvents } from './named-events.ts'
import type { TypedOperations } from './typed-operations.ts'

export interface Served {
  readonly schema: GraphQLSchema
  /** Undefined without `WARREN_SCHEMA`, as `named`. */
  readonly operations: TypedOperations | undefined
  readonly named: NamedEvents | undefined
  /** What operators are served at `/console/graphql`. Undefined: the same. */
  readonly operators?: Omit<Served, 'operators'> | undefined
}

/** What is served now. A reload replaces it, and the transports read it at each use. */
export class ServedSchema {
  #current: Served
  #operators: ServedSchema | undefined

  constructor(current: Served) {
    this.#current = current
  }

  get current(): Served {
    return this.#current
  }

  replace(next: Served): void {
    this.#current = next
    this.#operators?.replace(next.operators ?? next)
  }

  /** What `/console/graphql` serves, also after a reload. */
  get operators(): ServedSchema {
    this.#operators ??= new ServedSchema(this.#current.operators ?? this.#current)
    return this.#operators
  }
}
