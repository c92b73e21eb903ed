import { badInput } from '../../../errors.ts'
import type { Gathering } from '../../cluster/gathering.ts'
import type { Identity } from '../../model/identity.ts'
import type { InspectedState } from '../../state/inspect-state.ts'
import type { FieldRate } from '../replicas/replica-inspector.ts'
import { type FieldActivity, type FieldActivityParts, readFieldActivity } from './field-activity.ts'
import type { FieldDefinition, FieldForCaller, SchemaFile, SchemaReader, SchemaVersion } from './field-definition.ts'
import { type FieldSubscriberPage, FieldSubscribers, visitInSlices } from './field-subscribers.ts'
import { type FieldReport, readSchemaReport, type SchemaReport } from './schema-report.ts'

export interface SchemaInspectorParts extends FieldActivityParts {
  readonly gathering: Gathering
  readonly reader: SchemaReader
  readonly rates: () => ReadonlyMap<string, FieldRate>
}

export interface InspectedField {
  readonly definition: FieldDefinition
  /** Of all replicas that answered. */
  readonly sum: FieldReport
  readonly replicas: readonly { readonly replica: string; readonly field: FieldReport }[]
  /** Read when it is asked for. */
  readonly activity: () => Promise<FieldActivity>
  /** From the store. Undefined: the field has no keyed state. */
  readonly state: () => Promise<InspectedState | undefined>
  readonly sdl: () => string
}

export interface ReplicaSchema {
  readonly replica: string
  readonly version: SchemaVersion | null
  /** Whether it serves the same schema as the replica that was asked. */
  readonly isSame: boolean
}

export interface InspectedSchema {
  readonly version: SchemaVersion | null
  readonly printServed: () => string
  readonly files: () => readonly SchemaFile[]
  readonly fields: readonly InspectedField[]
  readonly replicas: readonly ReplicaSchema[]
  readonly unanswered: readonly string[]
}

/** The hot window is read for all fields at once, and what was found serves for this long. */
const activityFreshMs = 500

const noReport: FieldReport = {
  subscriptions: 0,
  matched: 0,
  delivered: 0,
  filtered: 0,
  invalid: 0,
  matchedPerSecond: null,
  deliveredPerSecond: null,
}

/** The typed fields: what each is, who uses it, and which replica serves which schema. */
export class SchemaInspector {
  readonly #parts: SchemaInspectorParts
  readonly #subscribers: FieldSubscribers
  #activity:
    | {
        readonly fields: readonly FieldDefinition[]
        readonly at: number
        readonly byName: Promise<ReadonlyMap<string, FieldActivity>>
      }
    | undefined

  constructor(parts: SchemaInspectorParts) {
    this.#parts = parts
    this.#subscribers = new FieldSubscribers(parts.gateway, parts.gathering)
    parts.gathering.answer('schema', () => this.#report())
  }

  /** `name`: only this field. */
  async read(name?: string): Promise<InspectedSchema> {
    const { gathering, reader, gateway } = this.#parts
    const { answers, unanswered } = await gathering.ask('schema', null, readSchemaReport)
    const definitions = reader.fields().filter((field) => name === undefined || field.name === name)
    const version = reader.current ?? null
    return {
      version,
      printServed: () => reader.printServed(),
      files: () => reader.files(),
      fields: definitions.map((definition) => {
        const replicas = answers.flatMap(({ replica, value }) => {
          const field = value.fields.find(([known]) => known === definition.name)?.[1]
          return field ? [{ replica, field }] : []
        })
        return {
          definition,
          replicas,
          sum: replicas.map(({ field }) => field).reduce(sumOf, noReport),
          activity: () => this.#activityOf(definition.name),
          state: async () => gateway.states?.inspect(definition.name),
          sdl: () => reader.sdlOf(definition.name),
        }
      }),
      replicas: answers.map(({ replica, value }) => ({
        replica,
        version: value.version,
        isSame: value.version?.hash === version?.hash,
      })),
      unanswered,
    }
  }

  /** See `SchemaReader.fieldFor`. */
  fieldFor(identity: Identity, name: string): FieldForCaller {
    return this.#parts.reader.fieldFor(identity, name)
  }

  /** The clients that subscribe to a field, by client id. */
  subscribers(field: string, first: number, after: string | undefined): Promise<FieldSubscriberPage> {
    return this.#subscribers.page(field, first, after)
  }

  async #activityOf(field: string): Promise<FieldActivity> {
    const fields = this.#parts.reader.fields()
    const now = performance.now()
    if (!this.#activity || this.#activity.fields !== fields || now - this.#activity.at > activityFreshMs)
      this.#activity = { fields, at: now, byName: readFieldActivity(fields, this.#parts) }
    const found = (await this.#activity.byName).get(field)
    if (!found) throw badInput('name', `the schema was read again, and has no field "${field}" any more`)
    return found
  }

  async #report(): Promise<SchemaReport> {
    const { reader, gateway, rates } = this.#parts
    const subscriptions = new Map<string, number>()
    await visitInSlices(gateway.sessions, ({ openSubscriptions }) => {
      for (const { topic } of openSubscriptions)
        if (topic.kind === 'event') subscriptions.set(topic.field, (subscriptions.get(topic.field) ?? 0) + 1)
    })
    const counted = rates()
    return {
      version: reader.current ?? null,
      fields: reader
        .fields()
        .map(({ name }) => [name, { ...noReport, ...counted.get(name), subscriptions: subscriptions.get(name) ?? 0 }]),
    }
  }
}

/** Every replica reads every message, and each delivers to its own subscriptions. */
function sumOf(one: FieldReport, other: FieldReport): FieldReport {
  return {
    subscriptions: one.subscriptions + other.subscriptions,
    delivered: one.delivered + other.delivered,
    matched: Math.max(one.matched, other.matched),
    filtered: Math.max(one.filtered, other.filtered),
    invalid: Math.max(one.invalid, other.invalid),
    matchedPerSecond: combined(one.matchedPerSecond, other.matchedPerSecond, Math.max),
    deliveredPerSecond: combined(one.deliveredPerSecond, other.deliveredPerSecond, (a, b) => a + b),
  }
}

function combined(
  one: number | null,
  other: number | null,
  combine: (one: number, other: number) => number,
): number | null {
  return one === null || other === null ? (one ?? other) : combine(one, other)
}
