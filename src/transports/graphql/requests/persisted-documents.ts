import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Plugin } from 'graphql-yoga'
import { networkOf } from '../../../core/limits/network-address.ts'
import { badInput, errorTable, GatewayError } from '../../../errors.ts'
import { gatewayError } from '../../../graphql/mask-error.ts'
import { addressOf } from '../../http/peer-address.ts'

/** Together, in characters. Beyond it, the document that was used least recently is forgotten. */
const maxCharacters = 4 * 1024 * 1024
/** Of those that one client, or one network, has sent: it forgets its own first. */
const maxCharactersOfPayer = maxCharacters / 8
/** What a document costs beside its text: its hash and its places in maps. */
const charactersBeside = 256
/** Ids of trusted documents may have any form. */
const maxIdLength = 256

/** The members of a request that name a document. */
export interface DocumentRequest {
  readonly query?: string | null | undefined
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined
  /** As in the appendix on persisted documents of GraphQL over HTTP, and Relay. */
  readonly documentId?: unknown
}

interface Remembered {
  readonly text: string
  readonly payer: string
}

/**
 * Documents that clients name instead of sending them. Without trusted documents, any document
 * that came with its SHA-256 hash is remembered for a while (Automatic Persisted Queries). With
 * them, only those may be executed.
 * https://www.apollographql.com/docs/apollo-server/performance/apq
 */
export class PersistedDocuments {
  readonly #trusted: ReadonlyMap<string, string> | undefined
  readonly #trustedTexts: ReadonlySet<string>
  /** By hash, the least recently used first. */
  readonly #remembered = new Map<string, Remembered>()
  readonly #charactersOf = new Map<string, number>()
  #characters = 0

  /** `trusted`: texts by their id; undefined allows any document. */
  constructor(trusted?: ReadonlyMap<string, string>) {
    this.#trusted = trusted
    this.#trustedTexts = new Set(trusted?.values())
  }

  /** How many characters are remembered. */
  get characters(): number {
    return this.#characters
  }

  /**
   * The same request with the text of its document. `payer`: the client or the network that a new
   * document counts for. Throws `PERSISTED_QUERY_NOT_FOUND`, after which clients send the text,
   * `PERSISTED_QUERY_NOT_SUPPORTED`, `FORBIDDEN` or `BAD_USER_INPUT`.
   */
  resolve<Request extends DocumentRequest>(request: Request, payer: string): Request {
    // The protocol reports anything but a text.
    if (typeof (request.query ?? '') !== 'string') return request
    const id = idIn(request)
    if (id === undefined && this.#trusted === undefined) return request
    const query = this.#textOf(id, request.query || undefined, payer)
    return query === request.query ? request : { ...request, query }
  }

  #textOf(id: string | undefined, text: string | undefined, payer: string): string | undefined {
    if (this.#trusted) {
      if (text === undefined) return id === undefined ? undefined : (this.#trusted.get(id) ?? notFound())
      if (this.#trustedTexts.has(text)) return text
      throw new GatewayError('FORBIDDEN', 'query: only the documents of WARREN_TRUSTED_DOCUMENTS may be executed')
    }
    const hash = id?.toLowerCase() ?? ''
    if (text === undefined) return this.#recall(hash) ?? notFound()
    if (createHash('sha256').update(text).digest('hex') !== hash)
      throw badInput(hashField, 'expected the SHA-256 hash of the query, in hexadecimal digits')
    this.#remember(hash, { text, payer })
    return text
  }

  #recall(hash: string): string | undefined {
    const known = this.#remembered.get(hash)
    if (!known) return undefined
    this.#remembered.delete(hash)
    this.#remembered.set(hash, known)
    return known.text
  }

  #remember(hash: string, document: Remembered): void {
    if (this.#recall(hash) !== undefined || document.text.length > maxCharactersOfPayer) return
    const { payer } = document
    // A copy, because a part of a text can keep all of the request in memory.
    const copy = { text: Buffer.from(document.text).toString(), payer }
    this.#remembered.set(hash, copy)
    this.#count(copy, 1)
    for (const [other, one] of this.#remembered) {
      const isOverOwn = (this.#charactersOf.get(payer) ?? 0) > maxCharactersOfPayer
      if (!isOverOwn && this.#characters <= maxCharacters) break
      if (isOverOwn && one.payer !== payer) continue
      this.#remembered.delete(other)
      this.#count(one, -1)
    }
  }

  #count({ payer, text }: Remembered, sign: 1 | -1): void {
    const characters = sign * (text.length + charactersBeside)
    this.#characters += characters
    const left = (this.#charactersOf.get(payer) ?? 0) + characters
    if (left > 0) this.#charactersOf.set(payer, left)
    else this.#charactersOf.delete(payer)
  }
}

const hashField = 'extensions.persistedQuery.sha256Hash'

/** The id of the document that a request names; undefined if it names none. */
function idIn({ extensions, documentId }: DocumentRequest): string | undefined {
  const named = extensions?.['persistedQuery']
  if (named !== undefined && named !== null) {
    if (typeof named !== 'object') throw badInput('extensions.persistedQuery', 'expected an object')
    const { version, sha256Hash } = named as { version?: unknown; sha256Hash?: unknown }
    // The clients' own words, which they compare.
    if (version !== undefined && version !== 1)
      throw new GatewayError('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported')
    return idOf(sha256Hash, hashField)
  }
  return documentId === undefined || documentId === null ? undefined : idOf(documentId, 'documentId')
}

function idOf(value: unknown, field: string): string {
  if (typeof value !== 'string' || value === '' || value.length > maxIdLength)
    throw badInput(field, `expected a string of 1 to ${maxIdLength} characters`)
  return value.replace(/^sha256:/, '')
}

function notFound(): never {
  throw new GatewayError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound')
}

/**
 * Gives an operation that names its document an empty text, because the protocols of WebSockets
 * require one.
 */
export function allowMissingQuery(message: unknown): void {
  const { payload } = (message ?? {}) as { payload?: unknown }
  if (typeof payload !== 'object' || payload === null) return
  const operation = payload as { query?: unknown; documentId?: unknown; extensions?: { persistedQuery?: unknown } }
  const isNamed = operation.documentId !== undefined || operation.extensions?.persistedQuery !== undefined
  if (isNamed) operation.query ??= ''
}

/** The same over HTTP. */
export function persistedDocuments(documents: PersistedDocuments, proxyHops: number): Plugin {
  return {
    onParams({ params, setParams, context }) {
      const { req } = context as { req?: IncomingMessage }
      // A batch may contain anything.
      if (typeof params !== 'object' || params === null) return
      try {
        // Yoga accepts no other members than those of an operation.
        const { documentId: _, ...resolved } = documents.resolve(
          params as DocumentRequest & typeof params,
          networkOf(addressOf(req, proxyHops)),
        )
        setParams(resolved)
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        // `spec`: 200 for clients that accept plain JSON only, which read no body of a failure.
        throw gatewayError(error, undefined, { http: { spec: true, status: errorTable[error.code].http } })
      }
    },
  }
}
