import type { CodegenConfig } from '@graphql-codegen/cli'
import shop from './examples/shop/codegen.ts'

const client = {
  preset: 'client' as const,
  presetConfig: { fragmentMasking: false },
  config: {
    documentMode: 'string',
    strictScalars: true,
    useTypeImports: true,
    scalars: {
      Cursor: 'string',
      DateTime: 'string',
      Decimal: 'string',
      JSON: 'unknown',
    },
  },
}

/**
 * Types the operations of clients against printed schemas: Warren's own, and the one of the typed
 * events under test. An operation that its schema no longer answers fails here.
 */
const config: CodegenConfig = {
  generates: {
    ...shop.generates,
    'src/console/api/generated/': {
      ...client,
      schema: 'schema/schema.graphql',
      documents: 'src/console/api/operations/*.graphql',
    },
    'test/graphql/generated/': {
      ...client,
      schema: 'schema/schema.graphql',
      documents: 'schema/operations/*.graphql',
    },
    'test/events/clients/generated/': {
      ...client,
      schema: 'test/events/clients/specification.schema.graphql',
      documents: 'test/events/clients/specification.graphql',
    },
  },
  importExtension: '.ts',
}

export default config
