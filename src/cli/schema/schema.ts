import { Command } from 'commander'
import { importSchemaCommand } from './import-schema.ts'
import { inferSchemaCommand } from './infer-schema.ts'

export function schemaCommand(): Command {
  return new Command('schema')
    .description('writes drafts of the SDL of typed events')
    .addCommand(inferSchemaCommand())
    .addCommand(importSchemaCommand())
}
