import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { composeServices as composeAsApollo } from '@apollo/composition'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { composeServices as composeAsHive } from '@theguild/federation-composition'
import { buildSchema, parse } from 'graphql'
import { operate } from '../events/serving/event-client.ts'
import { openGateway } from '../support/gateway/gateway-in-process.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { customersSubgraph, eventsSdl, type Subgraph } from './subgraphs.ts'

const folder = newFolder()
let customers: Subgraph

beforeAll(async () => {
  customers = await customersSubgraph()
})
afterAll(async () => {
  await customers?.[Symbol.asyncDispose]()
  removeFolder(folder)
})

/** What a gateway with this SDL answers to `_service { sdl }`. */
async function subgraphSdl(sdl: string | undefined, options: Record<string, string> = {}): Promise<string> {
  const file = join(folder, 'events.graphql')
  if (sdl !== undefined) writeFileSync(file, sdl)
  await using gateway = await openGateway({
    WARREN_FEDERATION: 'on',
    ...(sdl === undefined ? {} : { WARREN_SCHEMA: file }),
    ...options,
  })
  const query = '{ _service { sdl } }'
  const { _service: service } = await operate<{ _service: { sdl: string } }>(gateway, undefined, { query })
  return service.sdl
}

type Compose = (sdls: readonly string[]) => { readonly errors: readonly string[]; readonly supergraph: string }
const libraries: readonly (readonly [string, Compose])[] = [
  ["Apollo's", (sdls) => composedBy(composeAsApollo, sdls)],
  ["The Guild's", (sdls) => composedBy(composeAsHive, sdls)],
]

function composedBy(
  compose: (services: { name: string; url: string; typeDefs: ReturnType<typeof parse> }[]) => {
    readonly errors?: readonly { readonly message: string }[] | undefined
    readonly supergraphSdl?: string | undefined
  },
  sdls: readonly string[],
) {
  const services = sdls.map((sdl, index) => ({ name: `s${index}`, url: `http://s${index}`, typeDefs: parse(sdl) }))
  const { errors = [], supergraphSdl = '' } = compose(services)
  return { errors: errors.map(({ message }) => message), supergraph: supergraphSdl }
}

const parcels = `type Subscription {
  parcelMoved(id: ID!): Parcel @events(exchange: "parcels", routingKey: "parcel.{id}", history: true) @state(key: "word:id") @allow
}
type Parcel { id: ID!  at: DateTime! }`
const specification = readFileSync('test/events/sdl/specification.sdl.txt', 'utf8')

describe.each(libraries)('%s composition takes', (_name, compose) => {
  test.each([
    ['Warren alone', async () => [await subgraphSdl(undefined)]],
    [
      'the schema of the specification beside another subgraph',
      async () => [await subgraphSdl(specification), customers.sdl],
    ],
    ['stubs and an entity of a team', async () => [await subgraphSdl(eventsSdl), customers.sdl]],
    ['a gateway with keyed state', async () => [await subgraphSdl(parcels)]],
    ['two gateways', async () => [await subgraphSdl(eventsSdl), await subgraphSdl(parcels, { WARREN_CORE: 'off' })]],
  ])('%s', async (_what, sdls) => {
    const { errors, supergraph } = compose(await sdls())
    expect(errors).toEqual([])
    expect(supergraph).toContain('type Subscription')
  })
})

test('the SDL of a subgraph has directives of federation only, and hides what only operators may do', async () => {
  const sdl = await subgraphSdl(eventsSdl)
  expect(sdl).toContain('type Customer @key(fields: "id", resolvable: false)')
  expect(sdl).toContain('type Product @key(fields: "sku") {')
  expect(sdl).toMatch(/trace\([^)]*\): \[ReplicaTrace!\]! @inaccessible/)
  expect([...sdl.matchAll(/@(\w+)/g)].map(([, name]) => name)).toEqual(
    expect.not.arrayContaining(['events', 'match', 'owner', 'allow', 'from', 'publish', 'request', 'oneOf']),
  )
  // The rest is plain SDL.
  expect(() => buildSchema(sdl.replace(/^extend schema.*$/m, ''), { assumeValidSDL: true })).not.toThrow()
})

test('a gateway without the option is no subgraph', async () => {
  await expect(subgraphSdl(eventsSdl, { WARREN_FEDERATION: 'off' })).rejects.toThrow('_service')
})
