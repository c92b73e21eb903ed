import { readFileSync } from 'node:fs'
import { buildSchema } from 'graphql'
import { maxDecodedBytes } from '../../../src/core/body/decode-body.ts'
import { type Source, schemaSource } from '../../../src/core/model/source.ts'
import type { EventSchema } from '../../../src/events/model/event-schema.ts'
import { readEventSchema } from '../../../src/events/sdl/read-event-schema.ts'
import { EventFields } from '../../../src/events/serving/event-fields.ts'
import { NamedEvents, type NamedSubscription } from '../../../src/events/serving/named-events.ts'
import { ServedEvents } from '../../../src/events/serving/served-events.ts'
import { removalType } from '../oracle/ground-truth.ts'

/** What is published to the default exchange, as a typed field. Misfits have no text in `filling`. */
const sdl = `
type Subscription {
  item(channel: ID!): Item @events(exchange: "warren.events", routingKey: "client.{channel}")
    @allow(scopes: ["channel:{channel}"])
}
type Item { number: Int!  filling: String! }
`

/** The same with keyed state. */
const keyedSdl = `
type Subscription {
  item(channel: ID!): Item @events(exchange: "warren.events", routingKey: "client.{channel}")
    @allow(scopes: ["channel:{channel}"]) @state(key: "/key", deleteOn: ["${removalType}"])
}
type Item { key: ID!  number: Int  filling: String  removed: Boolean @from(property: REMOVED) }
`

const schemas = new Map<string, EventSchema>()

function schemaOf(text: string): EventSchema {
  const known = schemas.get(text)
  if (known) return known
  const reading = readEventSchema([{ path: 'events.graphql', text }], {
    coreSchema: buildSchema(readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8')),
    core: true,
    exchangeMap: new Map(),
    namespace: 'warren',
  })
  if ('mistakes' in reading) throw new Error(JSON.stringify(reading.mistakes))
  schemas.set(text, reading.schema)
  return reading.schema
}

/** The typed field of one replica. */
export class TypedField {
  readonly events: ServedEvents
  readonly #named: NamedEvents
  readonly #schema: EventSchema

  constructor(isKeyed: boolean) {
    this.#schema = schemaOf(isKeyed ? keyedSdl : sdl)
    const fields = new EventFields(this.#schema, { decoders: {}, maxDecodedBytes, count: () => undefined })
    this.events = new ServedEvents(fields)
    this.#named = new NamedEvents(this.events, fields)
  }

  get sources(): Source[] {
    return [...this.#schema.events.values()].flatMap(({ bindings }) =>
      bindings.map((binding) => schemaSource({ ...binding, bindingKey: binding.pattern.bindingKey })),
    )
  }

  open(channel: string): NamedSubscription {
    const subscription = this.#named.open(`item?channel=${channel}`)
    if (!subscription) throw new Error('the schema has no field item')
    return subscription
  }
}
