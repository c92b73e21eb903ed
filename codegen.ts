import type { CodegenConfig } from '@graphql-codegen/cli'
import shop from './examples/shop/codegen.ts'

/** Types the operations that clients use against the printed schema: an operation that the schema no longer answers fails here. */
const config: CodegenConfig = {
  generates: {
    ...shop.generates,
    'test/graphql/generated/': {
      schema: 'schema/schema.graphql',
      documents: 'schema/operations/*.graphql',
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        strictScalars: true,
        useTypeImports: true,
        scalars: {
          Cursor: 'string',
          DateTime: 'string',
          JSON: 'unknown',
        },
      },
    },
  },
  importExtension: '.ts',
}

export default config
