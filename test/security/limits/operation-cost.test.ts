import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { getIntrospectionQuery } from 'graphql'
import { limitedOperations } from '../../../src/graphql/limits/limited-parse.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'

const operations = limitedOperations(() => schema, { maxQueryDepth: 12, maxQueryCost: 1_000 })
const tooDear = { code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_QUERY_COST' }
const tooDeep = { code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_QUERY_DEPTH' }

/** `taken`, or the code and the limit of the refusal. */
function verdictOn(query: string, variableValues: Record<string, unknown> = {}, operationName?: string): unknown {
  try {
    const document = operations.parse(query)
    operations.admit({ document, variableValues, operationName })
    return 'taken'
  } catch (error) {
    const { code, limit } = (error as { extensions: Record<string, unknown> }).extensions
    return { code, limit }
  }
}

const many = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, n) => text(n)).join(' ')
const aliases = (count: number, field: string) => many(count, (n) => `a${n}: ${field}`)

const allFields = `events { kind cursor clientId data type contentType messageId headers exchange routingKey redelivered
  publishedAt receivedAt gap { reason oldest dropped __typename } __typename } cursor hasMore gap { reason oldest dropped }`

describe('a page of history costs what it selects', () => {
  test('one of 1,000 events with all fields is accepted by default, and a second one in an alias is not', () => {
    const page = `history(clientId: "a", first: 1000) { ${allFields} }`
    expect(verdictOn(`{ ${page} }`)).toBe('taken')
    expect(verdictOn(`{ a: ${page} b: ${page} }`)).toEqual(tooDear)
  })

  test.each([
    ['a literal', '', '1000', {}],
    ['a variable', 'query Q($n: Int) ', '$n', { n: 1_000 }],
    ['the default of a variable', 'query Q($n: Int = 1000) ', '$n', {}],
  ])('aliases are refused if its size is %s', (_what, head, first, variables) => {
    const query = `${head}{ ${aliases(25, `history(clientId: "a", first: ${first}) { events { cursor } }`)} }`
    expect(query.length).toBeLessThan(8 * 1024)
    expect(verdictOn(query, variables)).toEqual(tooDear)
  })

  test('the same aliases are accepted if a variable makes the pages small, whatever its default is', () => {
    const query = `query Q($n: Int = 1000) { ${aliases(25, 'history(clientId: "a", first: $n) { events { cursor } }')} }`
    expect(verdictOn(query, { n: 10 })).toBe('taken')
    expect(verdictOn(query, { n: 1_000 })).toEqual(tooDear)
  })

  test('the size counts below fragments, and as 100 if it is null or omitted', () => {
    const query = (first: string) =>
      `query Q($n: Int) { ...F ...G } fragment G on Query { ...F }
       fragment F on Query { ${aliases(20, `history(clientId: "a"${first}) { ...E }`)} } fragment E on ChannelHistory { events { ${aliases(4, 'data')} } }`
    expect(verdictOn(query(', first: 1'))).toBe('taken')
    for (const first of ['', ', first: null', ', first: $n']) expect(verdictOn(query(first))).toEqual(tooDear)
  })

  test('only the executed operation is judged by its variables', () => {
    const query = `query Small { gateway { version } }
      query Large($n: Int) { ${aliases(25, 'history(clientId: "a", first: $n) { events { cursor } }')} }`
    expect(verdictOn(query, { n: 1_000 }, 'Small')).toBe('taken')
    expect(verdictOn(query, { n: 1_000 }, 'Large')).toEqual(tooDear)
  })
})

describe('everything in a document costs something', () => {
  const field = '{ gateway { version } }'
  test.each([
    [
      'fields of unused fragments',
      `${field} ${many(100, (n) => `fragment F${n} on Gateway { ${aliases(10, 'version')} }`)}`,
    ],
    ['a long unused fragment', `${field} fragment F on Gateway { ${aliases(1_001, 'version')} }`],
    [
      'unused fragments that use each other',
      `${field} ${many(600, (n) => `fragment F${n} on Gateway { version ...F${n + 1} }`)}`,
    ],
    ['fragments of one name', `{ gateway { ...F } } ${'fragment F on Gateway { version } '.repeat(600)}`],
    ['fragments and no operation', many(600, (n) => `fragment F${n} on Gateway { version }`)],
    ['other operations', many(400, (n) => `query Q${n} { gateway { version } }`)],
    ['directives', `{ gateway { version ${'@include(if: true) '.repeat(1_001)} } }`],
    ['directives of an operation', `query Q ${'@a '.repeat(1_001)} ${field}`],
    ['definitions of variables', `query Q(${many(1_001, (n) => `$v${n}: Int`)}) ${field}`],
    ['inline fragments', `{ ${'... { gateway { version } } '.repeat(340)} }`],
    ['fragment spreads', `{ gateway { ${'...F '.repeat(1_001)} } } fragment F on Gateway { version }`],
    ['fields of one name', `{ ${'gateway { version } '.repeat(240)} }`],
    ['fields of one name in several', `{ ${`gateway { ${'version '.repeat(18)} } `.repeat(18)} }`],
    ['fields of one name in inline fragments', `{ ${'... { gateway { version } } '.repeat(240)} }`],
    [
      'fields of one name in fragments',
      `{ gateway { ${many(18, (n) => `...F${n}`)} } } ${many(18, (n) => `fragment F${n} on Gateway { ${'version '.repeat(18)} }`)}`,
    ],
    ['values of a list', `{ history(clientId: [${'1 '.repeat(12_000)}]) { hasMore } }`],
    ['a long literal', `{ history(clientId: "${'x'.repeat(200_000)}") { hasMore } }`],
    ['comments', `{ gateway { version } }${'#\n'.repeat(12_000)}`],
    ['blanks', `{ gateway { version } }${' '.repeat(200_000)}`],
    ['definitions of a schema', `${field} ${many(1_001, (n) => `scalar S${n}`)}`],
    ['aliases in the introspection', `{ __schema { types { ${aliases(100, 'fields { name }')} } } }`],
    ['aliases of one type', `{ ${aliases(100, '__type(name: "Gateway") { name }')} }`],
    ['a subscription that would stay open', `subscription { channel(clientId: "a") { kind } } ${'#\n'.repeat(4_000)}`],
  ])('%s', (_what, query) => {
    expect(verdictOn(query)).toEqual(tooDear)
  })

  test('a repeated name costs nothing as often as documents of clients have it', () => {
    const fragments = many(20, (n) => `fragment F${n} on Gateway { __typename version }`)
    expect(verdictOn(`{ gateway { ${many(20, (n) => `...F${n}`)} version __typename } } ${fragments}`)).toBe('taken')
  })

  test('lists and objects nest in literals as deep as needed, and no deeper', () => {
    const nested = (depth: number) =>
      `mutation { publish(input: { data: ${'['.repeat(depth)}${']'.repeat(depth)} }) { messageId } }`
    expect(verdictOn(nested(90))).toBe('taken')
    expect(verdictOn(nested(2_000))).toEqual(tooDeep)
    expect(verdictOn(`query Q($a: JSON = ${'{a: '.repeat(200)}1${'}'.repeat(200)}) { gateway { version } }`)).toEqual(
      tooDeep,
    )
  })

  test('the introspection query of every tool is accepted', () => {
    for (const specifiedByUrl of [false, true])
      expect(verdictOn(getIntrospectionQuery({ specifiedByUrl, inputValueDeprecation: true }))).toBe('taken')
  })
})

describe('an operation that variables make too expensive is refused before execution', () => {
  let gateway: InProcessGateway
  beforeAll(async () => {
    gateway = await openGateway()
  })
  afterAll(() => gateway?.close())

  const query = `query Q($n: Int) { ${aliases(140, 'history(clientId: "alice", first: $n) { events { cursor } }')} }`

  test('over HTTP, by POST and by GET', async () => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${gateway.operatorToken}` }
    const short = `query Q($n: Int) { ${aliases(25, 'history(clientId: "a", first: $n) { events { cursor } }')} }`
    const url = new URL(gateway.graphqlUrl)
    url.searchParams.set('query', short)
    url.searchParams.set('variables', '{"n":1000}')
    const responses = [
      await fetch(gateway.graphqlUrl, {
        method: 'POST',
        headers,
        body: JSON.stringify({ query, variables: { n: 1_000 } }),
      }),
      await fetch(url, { headers: { ...headers, accept: 'text/event-stream' } }),
    ]
    for (const response of responses) expect(await response.text()).toContain(JSON.stringify(tooDear))
  })

  test('over WebSocket', async () => {
    await using client = await connectGraphql(gateway.graphqlSocketUrl, {
      connectionParams: { token: gateway.operatorToken },
    })
    const answer = await client.request(query, { n: 1_000 })
    expect(JSON.stringify(answer)).toContain(JSON.stringify(tooDear))
  })
})
