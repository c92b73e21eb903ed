import type { CodegenConfig } from '@graphql-codegen/cli'

/** Types the operations of the page, by the schema that `npx warren schema print` has printed. */
const config: CodegenConfig = {
  generates: {
    'examples/shop/page/generated/': {
      schema: 'examples/shop/page/schema.graphql',
      documents: 'examples/shop/page/operations.ts',
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        // A scalar without a line here is an error, and not `any`.
        strictScalars: true,
        useTypeImports: true,
        scalars: {
          Cursor: 'string',
          DateTime: 'string',
          Decimal: 'string',
        },
      },
    },
  },
  importExtension: '.ts',
}

export default config
