import { Command } from 'commander'

export function printSchemaCommand(): Command {
  return new Command('print-schema').description('prints the GraphQL schema').action(async () => {
    const { printedSchema } = await import('../../graphql/schema.ts')
    process.stdout.write(printedSchema())
  })
}
