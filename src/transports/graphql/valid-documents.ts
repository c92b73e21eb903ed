import type { DocumentNode, GraphQLSchema } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { LimitedOperations } from '../../graphql/limits/limited-parse.ts'
import { DocumentCache } from './document-cache.ts'

/**
 * Parses within the limits and keeps valid documents. Replaces Yoga's caches, because those count
 * documents whatever their size and keep invalid ones too.
 */
export function validDocuments(operations: LimitedOperations): Plugin {
  const documents = new DocumentCache()
  /** Texts of documents that are parsed and not yet validated. */
  const texts = new WeakMap<DocumentNode, string>()
  const valid = new WeakMap<GraphQLSchema, WeakSet<DocumentNode>>()
  return {
    onParse({ params, setParsedDocument, setParseFn }) {
      const text = params.source.toString()
      const cached = documents.get(text)
      if (cached) {
        setParsedDocument(cached)
        return undefined
      }
      setParseFn(operations.parse)
      return ({ result }) => {
        if (isDocument(result)) texts.set(result, text)
      }
    },
    onValidate({ params: { schema, documentAST }, setResult }) {
      const document = documentAST as DocumentNode
      if (valid.get(schema)?.has(document)) {
        setResult([])
        return undefined
      }
      return ({ result }) => {
        if (result.length > 0) return
        let documentsOf = valid.get(schema)
        if (!documentsOf) {
          documentsOf = new WeakSet()
          valid.set(schema, documentsOf)
        }
        documentsOf.add(document)
        const text = texts.get(document)
        if (text !== undefined) documents.set(text, document)
      }
    },
    onExecute: ({ args }) => operations.admit(args),
    onSubscribe: ({ args }) => operations.admit(args),
  }
}

function isDocument(result: unknown): result is DocumentNode {
  return typeof result === 'object' && result !== null && !(result instanceof Error)
}
