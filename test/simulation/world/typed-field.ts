import { readFileSync } from 'node:fs'
import { buildSchema } from 'graphql'
import { maxDecodedBytes } from '../../../src/core/body/decode-body.ts'
import { type Source, schemaSource } from '../../../src/core/model/source.ts'
import type { EventSchema } from '../../../src/events/model/event-schema.ts'
import { readEventSchema } from '../../../src/events/sdl/read-event-schema.ts'
import { EventFields } from '../../../src/events/serving/event-fields.ts'
import { NamedEvents, type NamedSubscription } from '../../../src/events/serving/named-events.ts'
import { ServedEvents } from '../../../src/events/serving/served-events.ts'

/** What is published to the default exchange, as a typed field. Misfits have no text in `filling`. */
const sdl = `
type Subscription {
  item(channel: ID!): Item @events(exchange: "warren.events", routingKey: "client.{channel}")
    @allow(scopes: ["channel:{channel}"])
}
type Item { number: Int!  filling: String! }
`

let schema: EventSchema | undefined

function theSchema(): EventSchema {
  if (schema) return schema
  const reading = readEventSchema([{ path: 'events.graphql', text: sdl }], {
    coreSchema: buildSchema(readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8')),
    core: true,
    exchangeMap: new Map(),
    namespace: 'warren',
  })
  if ('mistakes' in reading) throw new Error(JSON.stringify(reading.mistakes))
  schema = reading.schema
  return schema
}

/** The typed field of one replica. */
export class TypedField {
  readonly events: ServedEvents
  readonly #named: NamedEvents

  constructor() {
    const fields = new EventFields(theSchema(), { decoders: {}, maxDecodedBytes, count: () => undefined })
    this.events = new ServedEvents(fields)
    this.#named = new NamedEvents(this.events, fields)
  }

  get sources(): Source[] {
    return [...theSchema().events.values()].flatMap(({ bindings }) =>
      bindings.map((binding) => schemaSource({ ...binding, bindingKey: binding.pattern.bindingKey })),
    )
  }

  open(channel: string): NamedSubscription {
    const subscription = this.#named.open(`item?channel=${channel}`)
    if (!subscription) throw new Error('the schema has no field item')
    return subscription
  }
}
