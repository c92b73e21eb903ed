import { type ExecutionResult, execute, parse, subscribe } from 'graphql'
import { maxDecodedBytes } from '../../../src/core/body/decode-body.ts'
import type { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import { type ChannelEvent, MessageEvent } from '../../../src/core/model/channel-event.ts'
import { printCursor } from '../../../src/core/model/cursor.ts'
import { anonymous, type Identity, parseScope } from '../../../src/core/model/identity.ts'
import type { Message, MessageProperties } from '../../../src/core/model/message.ts'
import { TokenClaims } from '../../../src/core/model/token-claims.ts'
import type { WindowEntry } from '../../../src/core/ports/hot-window.ts'
import type { Request } from '../../../src/core/ports/requester.ts'
import { PageLimit } from '../../../src/core/sessions/page-limits.ts'
import type { EventSchema } from '../../../src/events/model/event-schema.ts'
import { RequestLimit } from '../../../src/events/publishing/request-limit.ts'
import type { EventContext } from '../../../src/events/serving/event-context.ts'
import { EventFields, type FieldResult } from '../../../src/events/serving/event-fields.ts'
import { addFieldResolvers } from '../../../src/events/serving/field-resolvers.ts'
import { NamedEvents } from '../../../src/events/serving/named-events.ts'
import { ServedEvents } from '../../../src/events/serving/served-events.ts'
import { TypedOperations } from '../../../src/events/serving/typed-operations.ts'
import { binaryDecoders } from '../../../src/events/values/binary-decoders.ts'
import { embeddedGateway, schemaSourcesOf } from '../../core/embedded-gateway.ts'
import { MemoryStates } from '../../core/memory-states.ts'
import { testCursors } from '../../support/gateway/deployment-keys.ts'
import { schemaOf } from '../sdl/reading.ts'

/** A caller with a token with these claims; without any, one without a token. */
export function identityOf(claims: { readonly [claim: string]: unknown; sub?: string; scope?: string }): Identity {
  return {
    ...anonymous,
    clientId: claims.sub,
    scope: parseScope(claims.scope ?? ''),
    claims: new TokenClaims(JSON.stringify(claims)),
  }
}
export const alice = identityOf({ sub: 'alice' })
export const operator = identityOf({ scope: 'operator' })

interface WrittenMessage extends MessageProperties {
  readonly exchange?: string
  readonly routingKey?: string
  readonly receivedAt?: number
}

/** An entry of the journal. `data`: the JSON of its body, or its bytes. */
export function entryOf(
  data: unknown,
  { exchange = 'orders', routingKey = '', ...message }: WrittenMessage = {},
): WindowEntry {
  const { receivedAt = 0, ...properties } = message
  return {
    exchange,
    routingKey,
    body: Buffer.isBuffer(data) ? data : Buffer.from(JSON.stringify(data)),
    properties: { contentType: 'application/json', ...properties },
    redelivered: false,
    receivedAt,
    offset: 7,
    mark: false,
  }
}

export function eventOf(entry: WindowEntry): MessageEvent {
  return new MessageEvent(testCursors, '0123456789abcdef', entry)
}

const schemas = new Map<string, EventSchema>()

/** The fields of SDL without the schema of Warren, and what they counted. The SDL is read once. */
export function fieldsOf(sdl: string, maxBytes = maxDecodedBytes) {
  const schema = schemas.get(sdl) ?? schemaOf(sdl, { core: false }).schema
  schemas.set(sdl, schema)
  return fieldsOfSchema(schema, maxBytes)
}

function fieldsOfSchema(schema: EventSchema, maxBytes = maxDecodedBytes) {
  const counted: (readonly [field: string, result: FieldResult])[] = []
  const count = (field: string, result: FieldResult) => counted.push([field, result])
  return { fields: new EventFields(schema, { decoders: binaryDecoders, maxDecodedBytes: maxBytes, count }), counted }
}

interface TypedWorldOptions {
  /** Answers requests. */
  readonly answer?: (request: Request) => Promise<Partial<Message>>
}

/**
 * SDL that is served by a gateway on the embedded broker and journal, without transports: graphql-js
 * executes operations, and the test takes the events of subscriptions.
 */
export async function typedWorld(sdl: string, { answer }: TypedWorldOptions = {}) {
  const store = new MemoryStates()
  // It gets the resolvers of this world.
  const read = (text: string) => fieldsOfSchema(schemaOf(text, { core: false }).schema)
  const { fields, counted } = read(sdl)
  const events = new ServedEvents(fields)
  const requests: Request[] = []
  const published: (readonly [field: string, result: string])[] = []
  const invalidReplies: string[][] = []
  const limit = new RequestLimit()
  const serve = (next: EventFields) => {
    const operations = new TypedOperations(events, next)
    addFieldResolvers(operations, {
      requester: {
        inFlight: 0,
        close: async () => {},
        request: async (request) => {
          requests.push(request)
          return { ...entryOf(null), ...(await answer?.(request)) }
        },
      },
      limit,
      decoders: binaryDecoders,
      maxDecodedBytes,
      onPublished: (...call) => published.push(call),
      onInvalid: (...call) => invalidReplies.push(call),
    })
    return { fields: next, operations, named: new NamedEvents(events, next) }
  }
  let served = serve(fields)
  const { gateway, close } = await embeddedGateway({
    journalBytes: 1024 ** 2,
    windowBytes: 1024 ** 2,
    schemaSources: schemaSourcesOf(fields.schema),
    events,
    states: {
      store,
      definitions: () => events.states,
      limits: { maxStateKeys: 1_000, maxStateBytes: 1024 ** 2 },
      pageEvents: 100,
    },
  })
  const pages = new PageLimit({ maxHistoryBytes: 4_000 })
  const opened = new Set<ChannelSubscription>()
  const contextOf = (identity: Identity): EventContext & { readonly subscriptions: ChannelSubscription[] } => {
    const session = gateway.openSession({ identity, transport: 'in-process', onClose: () => {} })
    const subscriptions: ChannelSubscription[] = []
    return {
      identity,
      address: '192.0.2.7',
      gateway,
      pages: pages.open(),
      session,
      subscriptions,
      subscribeEvent: (options) => {
        const subscription = session.subscribeEvent(options)
        subscriptions.push(subscription)
        opened.add(subscription)
        return subscription
      },
    }
  }
  return {
    gateway,
    events,
    counted,
    requests,
    published,
    invalidReplies,
    limit,
    pages,
    contextOf,
    get served() {
      return served
    },
    /** Serves other SDL from now on. */
    async reload(next: string): Promise<void> {
      const { fields: reloaded } = read(next)
      served = serve(reloaded)
      events.replace(reloaded)
      await gateway.reloadEvents(schemaSourcesOf(reloaded.schema), 0)
    },
    /** Publishes JSON and returns the cursor. */
    async publish(
      data: unknown,
      { exchange = 'orders', routingKey = '', ...properties }: WrittenMessage = {},
    ): Promise<string> {
      const entry = await gateway.publish({
        exchange,
        routingKey,
        body: Buffer.isBuffer(data) ? data : Buffer.from(JSON.stringify(data)),
        properties: { contentType: 'application/json', ...properties },
      })
      if (!entry) throw new Error('no source takes the message')
      return printCursor(gateway.cursorOf(entry))
    },
    /** Executes a query or a mutation. */
    async run(text: string, identity: Identity = alice, variableValues: Record<string, unknown> = {}) {
      const { schema } = served.fields.schema
      return execute({ schema, document: parse(text), contextValue: contextOf(identity), variableValues })
    },
    /** Subscribes with graphql-js, which executes the operation for each event. */
    async listen(
      text: string,
      identity: Identity = alice,
      variableValues: Record<string, unknown> = {},
    ): Promise<{ next(): Promise<ExecutionResult> }> {
      const { schema } = served.fields.schema
      const results = await subscribe({
        schema,
        document: parse(text),
        contextValue: contextOf(identity),
        variableValues,
      })
      if (!('next' in results)) throw new Error(JSON.stringify(results.errors))
      return { next: async () => (await results.next()).value as ExecutionResult }
    },
    /** The next event of a subscription. */
    async next(subscription: ChannelSubscription): Promise<ChannelEvent> {
      const { value } = await subscription.next()
      return value as ChannelEvent
    },
    async [Symbol.asyncDispose]() {
      for (const subscription of opened) await subscription.return()
      await close()
      await store.close()
    },
  }
}

export type TypedWorld = Awaited<ReturnType<typeof typedWorld>>
