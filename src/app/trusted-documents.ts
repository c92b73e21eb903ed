import { readFile } from 'node:fs/promises'
import { ConfigError } from '../config/config-error.ts'
import { errorText } from '../core/model/error-text.ts'

/** Texts of documents by their id. */
export type TrustedDocuments = ReadonlyMap<string, string>

/**
 * Reads the file of WARREN_TRUSTED_DOCUMENTS: an object of texts by id, as graphql-codegen and
 * Relay write it, or a manifest of Apollo's `generate-persisted-query-manifest`. Rejects with
 * `ConfigError`.
 */
export async function readTrustedDocuments(path: string): Promise<TrustedDocuments> {
  const refuse = (what: string): never => {
    throw new ConfigError([`WARREN_TRUSTED_DOCUMENTS: ${path}: ${what}`])
  }
  let content: unknown
  try {
    content = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    return refuse(errorText(error))
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    return refuse('expected a JSON object of texts by id, or a manifest')
  const { format, operations } = content as { format?: unknown; operations?: unknown }
  const entries = format === 'apollo-persisted-query-manifest' ? manifestEntries(operations) : Object.entries(content)
  if (!entries || entries.length === 0) return refuse('expected at least one document')
  const documents = new Map<string, string>()
  for (const [id, text] of entries) {
    if (typeof id !== 'string' || typeof text !== 'string' || text.trim() === '')
      return refuse(`expected the text of a document under ${JSON.stringify(id)}`)
    // Clients may write the id with the name of its hash, or without.
    documents.set(id.replace(/^sha256:/, ''), text)
  }
  return documents
}

/** Undefined if it is no list of operations. */
function manifestEntries(operations: unknown): [unknown, unknown][] | undefined {
  if (!Array.isArray(operations)) return undefined
  return operations.map((operation: { id?: unknown; body?: unknown } | null) => [operation?.id, operation?.body])
}
