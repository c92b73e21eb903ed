import { badInput, GatewayError } from '../../errors.ts'
import { decodeBody, UndecodableBody } from '../body/decode-body.ts'
import type { Gateway } from '../gateway.ts'
import type { JournalMessage, Message, Publication } from '../model/message.ts'
import {
  type CountedCopy,
  type PageRoom,
  type QuarantineOrder,
  QuarantinePageBuilder,
} from '../quarantine/quarantine-page.ts'
import type { QuarantineDecision } from '../quarantine/quarantine-store.ts'
import { original, originOf, quarantineId } from '../quarantine/quarantined-message.ts'
import type { BrokerInspector } from './broker-inspector.ts'

/** How many messages one listing visits. RabbitMQ returns visited messages behind the others. */
const maxVisited = 5_000
/** How many messages one call may drop. */
const maxDropped = 500

const keep = Promise.resolve<QuarantineDecision>('keep')
const remove = Promise.resolve<QuarantineDecision>('remove')

/** Where a body cannot be read. Columns and bytes count from 1. */
export interface BodyPlace {
  readonly byte: number | null
  readonly line: number | null
  readonly column: number | null
  /** A JSON pointer. */
  readonly pointer: string | null
}

export interface QuarantinedMessage {
  readonly id: string
  readonly message: Message
  readonly exchange: string
  readonly routingKey: string
  readonly reason: string
  /** What is wrong, one sentence without a full stop. */
  readonly text: string
  readonly place: BodyPlace | undefined
}

export interface QuarantinePage {
  readonly messages: readonly QuarantinedMessage[]
  readonly hasMore: boolean
  /** `after` of the next page. Undefined: the page is empty. */
  readonly endCursor: string | undefined
  /** All messages that were visited, at most 5,000. */
  readonly counted: readonly CountedCopy[]
  /** All messages of the quarantine. */
  readonly count: number
  /** The last messages, which cannot be shown: the broker cannot deliver the first of them. */
  readonly unread: number
}

/** What replaces parts of a message that is published again. */
export interface RepublishEdit {
  readonly body?: string | undefined
  readonly exchange?: string | undefined
  readonly routingKey?: string | undefined
  readonly contentType?: string | undefined
}

export interface Republished {
  readonly id: string
  readonly exchange: string
  readonly routingKey: string
  readonly entry: JournalMessage | undefined
}

/** Lists the quarantine, publishes its messages again, and drops them. */
export class QuarantineInspector {
  readonly #gateway: Gateway
  readonly #broker: BrokerInspector

  constructor(gateway: Gateway, broker: BrokerInspector) {
    this.#gateway = gateway
    this.#broker = broker
  }

  /**
   * `after`: the `endCursor` of the page before, which had the same order. Rejects with
   * `BAD_USER_INPUT` if it is not one, and as `QuarantineStore.visit` does.
   */
  async page(
    first: number,
    after: string | undefined,
    order: QuarantineOrder,
    room: PageRoom,
  ): Promise<QuarantinePage> {
    const page = new QuarantinePageBuilder(first, after, order, room)
    const { count, unread } = await this.#broker.quarantine.visit(maxVisited, (message) => {
      page.pass(message)
      return keep
    })
    const { hasMore, endCursor, counted } = page
    return { messages: page.messages.map(describeQuarantined), hasMore, endCursor, counted, count, unread }
  }

  /** How many messages the quarantine holds. */
  async count(): Promise<number> {
    return (await this.#broker.quarantine.visit(0, () => keep)).count
  }

  /**
   * Publishes a message again, edited if wanted, and removes it when the broker has confirmed it.
   * Rejects with `BAD_USER_INPUT` if it is not there or cannot be read yet, and as `publish` does.
   */
  async republish(id: string, edit: RepublishEdit): Promise<Republished> {
    let result: Republished | undefined
    await this.#broker.quarantine.visit(maxVisited, async (message) => {
      if (result || quarantineId(message) !== id) return 'keep'
      const publication = edited(original(message), edit)
      const entry = await this.#gateway.publish(publication)
      const { exchange = '', routingKey } = publication
      result = { id, exchange, routingKey, entry }
      return 'remove'
    })
    return result ?? notThere([id])
  }

  /** Deletes messages. Resolves with the ids that were there. */
  async drop(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0 || ids.length > maxDropped)
      throw badInput('ids', `expected 1 to ${maxDropped} ids, got ${ids.length}`)
    const wanted = new Set(ids)
    const dropped = new Set<string>()
    await this.#broker.quarantine.visit(maxVisited, (message) => {
      const id = quarantineId(message)
      if (!wanted.has(id)) return keep
      dropped.add(id)
      return remove
    })
    return [...dropped]
  }

  /** As in `QuarantineStore`. */
  dropUndeliverable(): Promise<boolean> {
    return this.#broker.quarantine.dropUndeliverable()
  }
}

/** The fault of a body, and where it is. Undefined: the body can be read. */
export function faultIn(
  message: Message,
): { readonly text: string; readonly place: BodyPlace | undefined } | undefined {
  try {
    decodeBody(message)
    return undefined
  } catch (error) {
    if (!(error instanceof UndecodableBody)) throw error
    const parsed = error.reason === 'broken-json' ? jsonFault(message.body) : undefined
    return { text: parsed?.text ?? error.message, place: parsed?.place }
  }
}

function describeQuarantined(copy: Message): QuarantinedMessage {
  const headers = copy.properties.headers ?? {}
  const { exchange = '', routingKey, body, properties } = original(copy)
  const fault = faultIn({ ...copy, exchange, routingKey, body, properties })
  const field = textOf(headers['x-warren-field'])
  const pointer = textOf(headers['x-warren-pointer'])
  // Copies of the previous release have none.
  const misfit = textOf(headers['x-warren-misfit'])
  return {
    id: quarantineId(copy),
    message: copy,
    ...originOf(copy),
    reason: textOf(headers['x-warren-reason']) ?? 'unknown',
    text:
      field === undefined
        ? (fault?.text ?? 'the body can be read now')
        : `it does not fit the field ${field} at "${pointer ?? ''}"${misfit === undefined ? '' : `: ${misfit}`}`,
    place: pointer === undefined ? fault?.place : { byte: null, line: null, column: null, pointer },
  }
}

/** `JSON.parse` names the position in its message. */
function jsonFault(body: Buffer): { text: string; place: BodyPlace } | undefined {
  const text = body.toString('utf8')
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    const message = error instanceof Error ? error.message : ''
    const named = /at position (\d+)/.exec(message)?.[1]
    // It names no position if the text ends too early.
    const at = named === undefined ? text.length : Number(named)
    const before = text.slice(0, at)
    const lineStart = before.lastIndexOf('\n') + 1
    return {
      text: at >= text.length ? 'the JSON ends too early' : 'it is not JSON',
      place: {
        byte: Buffer.byteLength(before) + 1,
        line: before.split('\n').length,
        column: at - lineStart + 1,
        pointer: null,
      },
    }
  }
}

function edited(publication: Publication, { body, exchange, routingKey, contentType }: RepublishEdit): Publication {
  const { properties } = publication
  const result: Publication = {
    ...publication,
    exchange: exchange ?? publication.exchange ?? '',
    routingKey: routingKey ?? publication.routingKey,
    ...(body === undefined ? {} : { body: Buffer.from(body) }),
    properties: {
      ...properties,
      ...(contentType === undefined ? {} : { contentType }),
      // An edited body is not compressed.
      ...(body === undefined || properties.contentEncoding === undefined ? {} : { contentEncoding: '' }),
    },
  }
  const fault =
    body === undefined
      ? undefined
      : faultIn({ ...result, exchange: result.exchange ?? '', redelivered: false, receivedAt: 0 })
  if (fault) {
    const { place } = fault
    const where = place?.line == null ? '' : ` at line ${place.line}, column ${place.column}`
    throw badInput('edit.body', `${fault.text}${where}: correct it first`)
  }
  return result
}

function notThere(ids: readonly string[]): never {
  throw new GatewayError('BAD_USER_INPUT', `id: not in the quarantine: ${ids.join(', ')}`, { field: 'id' })
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
