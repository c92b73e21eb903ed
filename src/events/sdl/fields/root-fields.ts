import { type GraphQLArgument, type GraphQLField, getNamedType } from 'graphql'
import type { EventField, PublishField, RequestField } from '../../model/event-schema.ts'
import { written } from '../context.ts'
import type { DirectiveName } from '../directives/arguments.ts'
import { checkEventTypes } from '../mappings/event-types.ts'
import { gapFieldOf } from '../mappings/gap-form.ts'
import { listed } from '../mistakes.ts'
import { type RootName, rootNames } from '../type-system/declared-types.ts'
import { historyFieldOf } from '../type-system/history-types.ts'
import { stateQueryOf } from '../type-system/state-types.ts'
import { type FieldReading, readEventField } from './event-field.ts'
import { readPublishField, readRequestField } from './message-fields.ts'
import { readMessageArguments } from './message-template.ts'

type Field = GraphQLField<unknown, unknown>

/** The team's root fields, as they are served and as they are executed. */
export interface RootFields {
  readonly served: ReadonlyMap<RootName, readonly Field[]>
  readonly events: ReadonlyMap<string, EventField>
  readonly publications: ReadonlyMap<string, PublishField>
  readonly requests: ReadonlyMap<string, RequestField>
}

/** Directives that a field of each root type can have. */
const allowedDirectives: Readonly<Record<RootName, readonly DirectiveName[]>> = {
  Subscription: ['events', 'state', 'only', 'owner', 'allow'],
  Mutation: ['publish', 'request', 'allow'],
  Query: ['request', 'allow'],
}
const fieldDirectives: readonly DirectiveName[] = [
  'events',
  'state',
  'only',
  'owner',
  'allow',
  'from',
  'filterable',
  'publish',
  'request',
]

/** `fields`: as declared. `isTaken`: the names that queries beside event fields cannot have. */
export function readRootFields(
  reading: FieldReading,
  fields: ReadonlyMap<RootName, readonly Field[]>,
  isTaken: { queryField(name: string): boolean; type(name: string): boolean },
): RootFields {
  const reader = new RootFieldReader(reading, isTaken)
  for (const root of rootNames) for (const field of fields.get(root) ?? []) reader.read(root, field)
  reader.finish()
  return reader
}

class RootFieldReader implements RootFields {
  readonly served = new Map<RootName, Field[]>(rootNames.map((root) => [root, []]))
  readonly events = new Map<string, EventField>()
  readonly publications = new Map<string, PublishField>()
  readonly requests = new Map<string, RequestField>()
  readonly #reading: FieldReading
  readonly #isTaken: { queryField(name: string): boolean; type(name: string): boolean }
  readonly #gapTypes = new Set<string>()
  /** Names of the types that queries beside event fields return. */
  readonly #made = new Set<string>()

  constructor(reading: FieldReading, isTaken: { queryField(name: string): boolean; type(name: string): boolean }) {
    this.#reading = reading
    this.#isTaken = isTaken
  }

  read(root: RootName, field: Field): void {
    const { context } = this.#reading
    const { mistakes, uses } = context
    const node = field.astNode
    for (const name of fieldDirectives) {
      if (allowedDirectives[root].includes(name)) continue
      for (const use of uses.of(node, name)) {
        const allowed = listed(allowedDirectives[root].map((known) => context.names.written(known)))
        mistakes.error(use.node, `${written(use.node)} is not for fields of ${root}: allowed are ${allowed}`)
      }
    }
    checkEventTypes(this.#reading, field.type)
    const served = root === 'Subscription' ? this.#event(field) : this.#message(root, field)
    this.served.get(root)?.push({ ...field, args: served ?? field.args })
  }

  #event(field: Field): readonly GraphQLArgument[] | undefined {
    for (const { name } of this.#reading.reach.from(field.type).objects) this.#gapTypes.add(name)
    const read = readEventField(this.#reading, field)
    if (!read) return undefined
    const { context, known } = this.#reading
    const { event, served } = read
    this.events.set(field.name, event)
    const asServed = { ...field, args: served }
    const isTaken = (typeName: string) => this.#isTaken.type(typeName) || this.#made.has(typeName)
    if (event.history) this.#addQuery('history', field, historyFieldOf(context, known, event, asServed, isTaken))
    if (event.state) this.#addQuery('state', field, stateQueryOf(context, known, event, asServed, isTaken))
    return served
  }

  /** `what`: of the event field, for messages. */
  #addQuery(what: 'history' | 'state', field: Field, query: Field): void {
    this.#made.add(getNamedType(query.type).name)
    if (!this.#isTaken.queryField(query.name)) {
      this.served.get('Query')?.push(query)
      return
    }
    this.#reading.context.mistakes.error(
      field.astNode ?? {},
      `the ${what} of Subscription.${field.name} needs the name Query.${query.name}, which another field has: rename that field`,
    )
  }

  #message(root: 'Query' | 'Mutation', field: Field): readonly GraphQLArgument[] | undefined {
    const { mistakes, uses } = this.#reading.context
    const node = field.astNode
    const publish = root === 'Mutation' ? uses.first(node, 'publish') : undefined
    const request = uses.first(node, 'request')
    const path = `${root}.${field.name}`
    if (publish && request) {
      mistakes.error(request.node, `${path} has @publish and @request: expected one of them`)
      return undefined
    }
    if (publish) {
      const read = readPublishField(this.#reading, field, publish)
      if (read) this.publications.set(field.name, read.field)
      return read?.served
    }
    if (request) {
      const read = readRequestField(this.#reading, root, field, request)
      if (read) this.requests.set(path, read.field)
      return read?.served
    }
    const name = (['publish', 'request'] as const).find((directive) => uses.hasMistake(node, directive))
    if (name !== undefined && allowedDirectives[root].includes(name)) readMessageArguments(this.#reading, root, field)
    if (node && !fieldDirectives.some((name) => name !== 'allow' && uses.has(node, name))) {
      const allowed = root === 'Query' ? '@request(routingKey: …)' : '@publish(exchange: …) or @request(routingKey: …)'
      mistakes.error(node, `${path} has no source: expected ${allowed}`)
    }
    return undefined
  }

  /** What only all fields together show. */
  finish(): void {
    const { context, mappings, capturedWords } = this.#reading
    for (const [typeName, fields] of mappings.objects) {
      for (const [name, { place }] of fields) {
        if (place.kind !== 'word' || capturedWords.has(`${typeName}.${name}`)) continue
        const node = this.#nodeOf(typeName, name)
        context.mistakes.error(
          node,
          `no routing key of a field that returns ${typeName} captures {${place.name}}, which ${typeName}.${name} takes: capture it`,
        )
      }
      const gapField = gapFieldOf(fields)
      if (gapField !== undefined && !this.#gapTypes.has(typeName)) {
        context.mistakes.error(
          this.#nodeOf(typeName, gapField),
          `no subscription field returns ${typeName}, so ${typeName}.${gapField} never has a gap`,
        )
      }
    }
  }

  #nodeOf(typeName: string, fieldName: string): object {
    const types = [...this.#reading.types.values()]
    const type = types.find(({ name }) => name === typeName)
    const fields = type && 'getFields' in type ? type.getFields() : {}
    return fields[fieldName]?.astNode ?? {}
  }
}
