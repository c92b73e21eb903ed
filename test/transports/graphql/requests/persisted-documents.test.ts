import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readTrustedDocuments } from '../../../../src/app/trusted-documents.ts'
import {
  type DocumentRequest,
  PersistedDocuments,
} from '../../../../src/transports/graphql/requests/persisted-documents.ts'
import { connectGraphql, type GraphqlClient } from '../../../support/frames/graphql-frames.ts'
import { type InProcessGateway, openGateway } from '../../../support/gateway/gateway-in-process.ts'
import { newFolder, removeFolder } from '../../../support/processes/run-folder.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const persistedQuery = (text: string) => ({ persistedQuery: { version: 1, sha256Hash: sha256(text) } })

async function post(gateway: InProcessGateway, body: object, accept = 'application/json') {
  const response = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, authorization: `Bearer ${gateway.operatorToken}` },
    body: JSON.stringify(body),
  })
  return { status: response.status, ...((await response.json()) as { data?: unknown; errors?: object[] }) }
}

let count = 0
/** Sends an operation over the socket and resolves with its first answer. */
async function answerTo({ frames }: GraphqlClient, payload: object): Promise<unknown> {
  const id = `persisted-${++count}`
  frames.send({ id, type: 'subscribe', payload })
  const { type, payload: answer } = JSON.parse(await frames.nextMatching((text) => text.includes(`"${id}"`)))
  return type === 'error' ? { errors: answer } : answer
}

const notFound = [{ message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }]
const version = { data: { gateway: { version: expect.any(String) } } }

describe('automatic persisted queries', () => {
  let gateway: InProcessGateway
  let socket: GraphqlClient
  beforeAll(async () => {
    gateway = await openGateway()
    socket = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: gateway.operatorToken } })
  })
  afterAll(async () => {
    await socket?.[Symbol.asyncDispose]()
    await gateway?.close()
  })

  test('a hash alone is not found, is accepted with its text, and then alone on every transport', async () => {
    const query = 'query Apq { gateway { version } }'
    const extensions = persistedQuery(query)
    expect(await post(gateway, { extensions })).toMatchObject({ status: 200, errors: notFound })
    const strict = await post(gateway, { extensions }, 'application/graphql-response+json')
    expect(strict).toMatchObject({ status: 404, errors: notFound })
    expect(await answerTo(socket, { extensions })).toMatchObject({ errors: notFound })
    expect(await answerTo(socket, { query: '', extensions })).toMatchObject({ errors: notFound })

    expect(await post(gateway, { query, extensions })).toMatchObject(version)
    expect(await post(gateway, { extensions, operationName: 'Apq' })).toMatchObject(version)
    expect(await post(gateway, { documentId: `sha256:${sha256(query)}` })).toMatchObject(version)
    const search = new URLSearchParams({ extensions: JSON.stringify(extensions) })
    expect(await (await fetch(`${gateway.graphqlUrl}?${search}`)).json()).toMatchObject(version)
    expect(await (await fetch(`${gateway.graphqlUrl}?documentId=${sha256(query)}`)).json()).toMatchObject(version)
    expect(await answerTo(socket, { extensions })).toMatchObject(version)
    expect(await answerTo(socket, { query: null, documentId: sha256(query) })).toMatchObject(version)
  })

  test('a subscription is registered over WebSocket and continued by its hash over both', async () => {
    const query = 'subscription Apq { channel(clientId: "apq", checkpoints: true) { kind } }'
    const extensions = persistedQuery(query)
    const checkpoint = { data: { channel: { kind: 'CHECKPOINT' } } }
    expect(await answerTo(socket, { query, extensions })).toMatchObject(checkpoint)
    expect(await answerTo(socket, { extensions })).toMatchObject(checkpoint)
    const search = new URLSearchParams({ extensions: JSON.stringify(extensions) })
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${gateway.operatorToken}` }
    const { body } = await fetch(`${gateway.graphqlUrl}?${search}`, { headers })
    let text = ''
    for await (const chunk of body ?? []) {
      text += Buffer.from(chunk).toString()
      if (text.includes('CHECKPOINT')) break
    }
    expect(text).toContain('CHECKPOINT')
  })

  test.each<[string, object, string]>([
    ['the hash of another text', persistedQuery('{ another }'), 'BAD_USER_INPUT'],
    ['a number', { persistedQuery: 7 }, 'BAD_USER_INPUT'],
    ['no hash', { persistedQuery: { version: 1 } }, 'BAD_USER_INPUT'],
    ['a long hash', { persistedQuery: { version: 1, sha256Hash: 'x'.repeat(257) } }, 'BAD_USER_INPUT'],
    ['another version', { persistedQuery: { version: 2, sha256Hash: 'x' } }, 'PERSISTED_QUERY_NOT_SUPPORTED'],
  ])('with %s, the answer has its code over HTTP and WebSocket', async (_what, extensions, code) => {
    const errors = [{ extensions: { code } }]
    const query = '{ gateway { version } }'
    expect(await post(gateway, { query, extensions })).toMatchObject({ errors })
    expect(await answerTo(socket, { query, extensions })).toMatchObject({ errors })
  })

  test.each([
    { query: 7, documentId: 'x' },
    { query: ['a'], extensions: persistedQuery('a') },
  ])('a query that is no text is a bad request: %j', async (body) => {
    expect(await post(gateway, body)).toMatchObject({ status: 400, errors: [{ extensions: { code: 'BAD_REQUEST' } }] })
  })

  test('a mutation named in a URL is not executed', async () => {
    const query = 'mutation { publish(input: { clientId: "a", data: 1 }) { messageId } }'
    const extensions = persistedQuery(query)
    expect(await post(gateway, { query, extensions })).toMatchObject({ data: { publish: {} } })
    const search = new URLSearchParams({ extensions: JSON.stringify(extensions) })
    const headers = { authorization: `Bearer ${gateway.operatorToken}` }
    expect((await fetch(`${gateway.graphqlUrl}?${search}`, { headers })).status).toBe(405)
  })

  test('documents are forgotten within bounds, those of the client that sends most first', () => {
    const documents = new PersistedDocuments()
    const text = (name: string) => `query ${name} { ${'x'.repeat(50_000)} }`
    const register = (name: string, payer: string) =>
      documents.resolve({ query: text(name), extensions: persistedQuery(text(name)) }, payer)
    const isKnown = (name: string) => {
      try {
        return documents.resolve<DocumentRequest>({ extensions: persistedQuery(text(name)) }, '').query === text(name)
      } catch {
        return false
      }
    }
    register('quiet', 'alice')
    for (let n = 0; n < 200; n += 1) register(`flood${n}`, 'mallory')
    expect([isKnown('quiet'), isKnown('flood0'), isKnown('flood199')]).toEqual([true, false, true])
    expect(documents.characters).toBeLessThan(600_000)
    for (let n = 0; n < 200; n += 1) register(`many${n}`, `client-${n}`)
    expect(documents.characters).toBeLessThanOrEqual(4 * 1024 * 1024)
    expect([isKnown('many0'), isKnown('many199')]).toEqual([false, true])
    const before = documents.characters
    const tiny = (n: number) => ({ query: `{a${n}}`, extensions: persistedQuery(`{a${n}}`) })
    for (let n = 0; n < 10; n += 1) documents.resolve(tiny(n), 'tiny')
    expect(documents.characters - before).toBeGreaterThan(2_560)
  })
})

describe('trusted documents', () => {
  const folder = newFolder()
  afterAll(() => removeFolder(folder))
  let files = 0
  const fileOf = (content: unknown): string => {
    const path = join(folder, `documents-${++files}.json`)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  const query = 'query Trusted { gateway { version } }'
  const other = '{ gateway { version } }'

  test.each([
    ['a map of texts', { [sha256(query)]: query }],
    ['a map with the name of the hash', { [`sha256:${sha256(query)}`]: query }],
    [
      'a manifest of Apollo',
      {
        format: 'apollo-persisted-query-manifest',
        version: 1,
        operations: [{ id: sha256(query), name: 'Trusted', type: 'query', body: query }],
      },
    ],
  ])('in %s are the only ones, over HTTP and WebSocket', async (_what, content) => {
    await using gateway = await openGateway({ WARREN_TRUSTED_DOCUMENTS: fileOf(content) })
    await using socket = await connectGraphql(gateway.graphqlSocketUrl)
    const forbidden = { errors: [{ extensions: { code: 'FORBIDDEN' } }] }
    for (const send of [(body: object) => post(gateway, body), (body: object) => answerTo(socket, body)]) {
      expect(await send({ extensions: persistedQuery(query) })).toMatchObject(version)
      expect(await send({ query })).toMatchObject(version)
      expect(await send({ query: other })).toMatchObject(forbidden)
      expect(await send({ query: other, extensions: persistedQuery(other) })).toMatchObject(forbidden)
      expect(await send({ query: other, extensions: persistedQuery(query) })).toMatchObject(forbidden)
      expect(await send({ extensions: persistedQuery(other) })).toMatchObject({ errors: notFound })
      expect(await send({ documentId: 'constructor' })).toMatchObject({ errors: notFound })
    }
  })

  test.each<[string, unknown, string]>([
    ['no JSON', '{', 'JSON'],
    ['a list', [], 'expected a JSON object'],
    ['nothing', {}, 'at least one document'],
    ['a number', { a: 7 }, 'expected the text of a document under "a"'],
    ['a manifest without operations', { format: 'apollo-persisted-query-manifest' }, 'at least one document'],
    ['a manifest with null', { format: 'apollo-persisted-query-manifest', operations: [null] }, 'expected the text'],
  ])('from a file with %s are refused at the start', async (_what, content, words) => {
    const path = fileOf(content)
    const problems = [expect.stringMatching(`^WARREN_TRUSTED_DOCUMENTS: ${path}: .*${words}`)]
    await expect(readTrustedDocuments(path)).rejects.toMatchObject({ problems })
    await expect(readTrustedDocuments(`${path}.missing`)).rejects.toThrow('ENOENT')
  })
})
