import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildClientSchema, getIntrospectionQuery, printSchema } from 'graphql'
import type { ConcreteRequest } from 'relay-runtime'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { operationOf } from './client.ts'

const run = promisify(execFile)
const require = createRequire(import.meta.url)
/** The package exports the path of its program for this machine. */
const compiler = require('relay-compiler') as string

/**
 * Compiles one operation with Relay's compiler, for the schema that the gateway shows. The compiler
 * wants the kind of the operation at the end of its name, and the name of the file before it.
 */
export async function compiledByRelay(graphqlUrl: string, text: string): Promise<ConcreteRequest> {
  const { kind, name } = operationOf(text)
  const suffix = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`
  const relayName = `application${name}${suffix}`
  const folder = newFolder()
  try {
    for (const part of ['source', 'compiled']) mkdirSync(join(folder, part))
    const document = text.replace(name, relayName)
    writeFileSync(
      join(folder, 'source', 'application.js'),
      `import { graphql } from 'relay-runtime'\ngraphql\`${document}\`\n`,
    )
    writeFileSync(join(folder, 'schema.graphql'), await introspected(graphqlUrl))
    const options = {
      src: './source',
      schema: './schema.graphql',
      artifactDirectory: './compiled',
      language: 'javascript',
      eagerEsModules: false,
    }
    writeFileSync(join(folder, 'relay.config.json'), JSON.stringify(options))
    await run(compiler, ['relay.config.json'], { cwd: folder })
    return require(join(folder, 'compiled', `${relayName}.graphql.js`)) as ConcreteRequest
  } finally {
    removeFolder(folder)
  }
}

const schemas = new Map<string, Promise<string>>()

/** The schema that an anonymous caller gets; once for each gateway. */
function introspected(graphqlUrl: string): Promise<string> {
  const known = schemas.get(graphqlUrl)
  if (known !== undefined) return known
  const asked = askForSchema(graphqlUrl)
  schemas.set(graphqlUrl, asked)
  return asked
}

async function askForSchema(graphqlUrl: string): Promise<string> {
  const response = await fetch(graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: getIntrospectionQuery() }),
  })
  const { data } = (await response.json()) as { data: Parameters<typeof buildClientSchema>[0] }
  return printSchema(buildClientSchema(data))
}
