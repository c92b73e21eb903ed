import { Command } from 'commander'
import { checkSchemaCommand } from './check-schema.ts'
import { diffSchemaCommand } from './diff-schema.ts'
import { importSchemaCommand } from './import-schema.ts'
import { inferSchemaCommand } from './infer-schema.ts'
import { printServedSchemaCommand } from './print-served-schema.ts'

export function schemaCommand(): Command {
  return new Command('schema')
    .description('writes and checks the SDL of typed events')
    .addCommand(inferSchemaCommand())
    .addCommand(importSchemaCommand())
    .addCommand(checkSchemaCommand())
    .addCommand(printServedSchemaCommand())
    .addCommand(diffSchemaCommand())
}
