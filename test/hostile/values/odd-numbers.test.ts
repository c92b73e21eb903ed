import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { type DecodedBody, decodeBody, maxDepth } from '../../../src/core/body/decode-body.ts'
import { isCanonicalJson } from '../../../src/core/json/canonical-json.ts'
import { JsonNumber } from '../../../src/core/json/json-number.ts'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import { printJson } from '../../../src/core/json/print-json.ts'
import { printCursor } from '../../../src/core/model/cursor.ts'
import { socketClusterUrl } from '../../legacy-clients/socketcluster-frames.ts'
import { connectFramed, frameBytes } from '../../support/frames/framed.ts'
import { connectFrames } from '../../support/frames/frames.ts'
import { anyJsonText } from '../../support/frames/json-texts.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { watchHub } from '../../support/gateway/hub-watch.ts'
import { freePort } from '../../support/network/ports.ts'
import { runs } from '../../support/property.ts'
import { listens } from './raw-listeners.ts'

/** Each loses digits as a JavaScript number. */
const tokens = [
  '750727362669608961',
  '-9007199254740993',
  '1152921504606846976',
  '123456789012345678901234567890',
  '1e400',
  '-1E+400',
  '1e-400',
  '1.0',
  '1.10',
  '-0',
  '-0.0',
  '1E5',
  '0.12345678901234567890',
]
const body = `{"numbers":[${tokens.join(',')}],"750727362669608961":"1e400","__proto__":{"deep":1.10},"text":"a 1.0, b"}`
const spaced = body.replaceAll(',', ' ,\n\t').replace('a 1.0 ,\n\t b', 'a 1.0, b')

let gateway: InProcessGateway
let tcpPort: number

beforeAll(async () => {
  tcpPort = await freePort()
  gateway = await openGateway({ WARREN_TCP_PORT: String(tcpPort) })
})
afterAll(() => gateway.close())

const dataIn = (text: string): string | undefined => /"data":(\{"numbers"[^]*?"a 1\.0, b"\})/.exec(text)?.[1]

function publishRaw(text: string, channel = 'alice', contentType: string | undefined = 'application/json') {
  return gateway.gateway.publish({
    routingKey: `client.${channel}`,
    body: Buffer.from(text),
    properties: { contentType },
  })
}

async function post(json: string, token: string): Promise<string> {
  const response = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token === '' ? {} : { authorization: `Bearer ${token}` }) },
    body: json,
  })
  return response.text()
}

const historyQuery =
  'query H($clientId: ID!, $after: Cursor) { history(clientId: $clientId, after: $after) { events { data headers } } }'

describe('numbers of a body reach subscribers digit by digit', () => {
  test.each([...listens.keys()])('over %s, live and after a cursor', async (name) => {
    const listen = listens.get(name)
    if (!listen) throw new Error('no such transport')
    const channel = `digits-${name.replace(/\W/g, '')}`
    const token = await gateway.clientToken(channel)
    const hub = watchHub(gateway.gateway.hub)
    const position = await gateway.gateway.position()
    await using live = await listen({ gateway, tcpPort, channel, token })
    await hub.until(1)
    await publishRaw(body, channel)
    await publishRaw(spaced, channel)
    expect(dataIn(await live.next())).toBe(body)
    expect(dataIn(await live.next())).toBe(body)
    await using late = await listen({ gateway, tcpPort, channel, token, after: printCursor(position) })
    expect(dataIn(await late.next())).toBe(body)
    expect(dataIn(await late.next())).toBe(body)
    await live[Symbol.asyncDispose]()
    await late[Symbol.asyncDispose]()
    await hub.until(0)
  })

  test('in a page of history', async () => {
    await publishRaw(body, 'history')
    const token = await gateway.clientToken('history')
    const page = await post(JSON.stringify({ query: historyQuery, variables: { clientId: 'history' } }), token)
    expect(dataIn(page)).toBe(body)
  })
})

describe('an id given as a number is its digits', () => {
  const id = '9007199254740993'
  const asVariable = (query: string) => `{"query":${JSON.stringify(query)},"variables":{"id":${id}}}`
  const query = 'query Q($id: ID!) { history(clientId: $id) { events { data } } }'

  test('in a variable over HTTP, by POST and by GET', async () => {
    await publishRaw('"for 993"', id)
    await publishRaw('"for 992"', '9007199254740992')
    const token = await gateway.clientToken(id)
    expect(await post(asVariable(query), token)).toContain('"for 993"')
    const url = `${gateway.graphqlUrl}?${new URLSearchParams({ query, variables: `{"id":${id}}` })}`
    const got = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    expect(await got.text()).toBe('{"data":{"history":{"events":[{"data":"for 993"}]}}}')
    const literal = JSON.stringify({ query: `{ history(clientId: ${id}) { events { data } } }` })
    expect(await post(literal, token)).toContain('"for 993"')
  })

  test.each([
    ['compiled', ''],
    ['not compiled', '@include(if: true)'],
  ])('in a subscription over graphql-transport-ws that is %s', async (_how, directive) => {
    await using frames = await connectFrames(gateway.graphqlSocketUrl, { protocol: 'graphql-transport-ws' })
    frames.send({ type: 'connection_init', payload: { token: await gateway.clientToken(id) } })
    await frames.next()
    const subscription = `subscription S($id: ID!) { channel(clientId: $id) { data ${directive} clientId } }`
    const hub = watchHub(gateway.gateway.hub)
    // The second of two equal operations takes another path.
    for (const operation of ['one', 'two']) {
      frames.send(`{"id":"${operation}","type":"subscribe","payload":${asVariable(subscription)}}`)
    }
    await hub.until(2)
    await publishRaw('1.0', id)
    const payload = `{"data":{"channel":{"data":1.0,"clientId":"${id}"}}}`
    expect([await frames.next(), await frames.next()].sort()).toEqual([
      `{"id":"one","type":"next","payload":${payload}}`,
      `{"id":"two","type":"next","payload":${payload}}`,
    ])
    await frames.close()
    await hub.until(0)
  })

  test('in create-channel-client and createClientChannel', async () => {
    const rest = await fetch(`${gateway.url}/v1/create-channel-client`, {
      method: 'POST',
      body: '{"clientId":750727362669608961,"name":"n","email":"e@x","password":"password of a test"}',
    })
    expect(await rest.json()).toMatchObject({ clientId: '750727362669608961' })
    const create =
      'mutation C($input: CreateClientChannelInput!) { createClientChannel(input: $input) { channel { clientId } } }'
    const created = await post(
      `{"query":${JSON.stringify(create)},"variables":{"input":{"clientId":750727362669608963,"name":"n","email":"e@x","password":"password of a test"}}}`,
      '',
    )
    expect(created).toContain('"clientId":"750727362669608963"')
  })

  test.each(['1.0', '1e3', '1.5', '1e400', '-0.0', 'true'])('refuses %s by name', async (token) => {
    const answer = JSON.parse(
      await post(`{"query":${JSON.stringify(query)},"variables":{"id":${token}}}`, gateway.operatorToken),
    ) as { errors: { message: string; extensions: { code: string } }[] }
    expect(answer.errors[0]?.message).toContain('$id')
    expect(answer.errors[0]?.message).toContain(token)
    expect(answer.errors[0]?.extensions.code).toBe('BAD_USER_INPUT')
  })

  test.each([
    ['1', '"hasMore"'],
    ['1.0', '"hasMore"'],
    ['1e1', '"hasMore"'],
    ['1.5', 'Int cannot represent'],
    ['9007199254740993', '$first'],
    ['1e400', '$first'],
  ])('first: %s is still coerced, or refused by name', async (token, expected) => {
    const page = 'query P($first: Int) { history(clientId: "alice", first: $first) { hasMore } }'
    const answer = await post(`{"query":${JSON.stringify(page)},"variables":{"first":${token}}}`, gateway.operatorToken)
    expect(answer).toContain(expected)
  })
})

describe('publish keeps the digits of its data', () => {
  const mutation = 'mutation P($input: PublishInput!) { publish(input: $input) { messageId } }'
  const numbers = `[${tokens.join(',')}]`

  async function lastOf(channel: string): Promise<string> {
    const token = await gateway.clientToken(channel)
    return post(JSON.stringify({ query: historyQuery, variables: { clientId: channel } }), token)
  }

  test('in a variable, and in a literal', async () => {
    await post(
      `{"query":${JSON.stringify(mutation)},"variables":{"input":{"clientId":"published","data":{"in":${numbers}}}}}`,
      gateway.publisherToken,
    )
    const literal = `mutation { publish(input: {clientId: "published", data: {in: {literal: ${numbers}}}}) { messageId } }`
    await post(JSON.stringify({ query: literal }), gateway.publisherToken)
    const page = await lastOf('published')
    expect(page).toContain(`{"data":{"in":${numbers}},`)
    expect(page).toContain(`{"data":{"in":{"literal":${numbers}}},`)
  })

  test('over SocketCluster and TCP, which answer with the number of the call', async () => {
    await using frames = await connectFrames(socketClusterUrl(gateway.url))
    frames.send(`{"event":"#handshake","data":{"authToken":"${gateway.publisherToken}"},"cid":1}`)
    frames.send(`{"event":"#publish","data":{"channel":"legacy","data":${numbers}},"cid":9007199254740993}`)
    expect(await frames.nextMatching((text) => text.includes('"rid":9'))).toBe('{"rid":9007199254740993}')
    await using tcp = await connectFramed(tcpPort)
    await tcp.ask({ action: 'authenticate', token: gateway.publisherToken })
    const request = `{"action":"publish","channel":"legacy","data":{"tcp":${numbers}},"id":1.10}`
    tcp.socket.write(frameBytes(Buffer.from(request), { 'content-type': 'text/json' }))
    expect((await tcp.next()).content.toString()).toContain('"id":1.10')
    const page = await lastOf('legacy')
    expect(page).toContain(`{"data":${numbers},`)
    expect(page).toContain(`{"data":{"tcp":${numbers}},`)
  })

  test('headers are integers of 64 bits and exact doubles', async () => {
    const given =
      '{"large":9223372036854775807,"small":-9223372036854775808,"seven":7,"half":0.5,"tenth":0.10,"thousand":1e3}'
    await post(
      `{"query":${JSON.stringify(mutation)},"variables":{"input":{"clientId":"headers","data":1,"headers":${given}}}}`,
      gateway.publisherToken,
    )
    expect(await lastOf('headers')).toContain(
      '"headers":{"large":9223372036854775807,"small":-9223372036854775808,"seven":7,"half":0.5,"tenth":0.1,"thousand":1000}',
    )
  })

  test.each([
    '1e400',
    '9223372036854775808',
    '-9223372036854775809',
    '0.12345678901234567890',
    '1e-400',
    `1${'0'.repeat(5_000)}`,
  ])('a header of %s is refused at once by name', async (token) => {
    const answer = JSON.parse(
      await post(
        `{"query":${JSON.stringify(mutation)},"variables":{"input":{"clientId":"headers","data":1,"headers":{"h":${token}}}}}`,
        gateway.publisherToken,
      ),
    ) as { errors: { extensions: object }[] }
    expect(answer.errors[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', field: 'headers.h' })
  })
})

describe('a source finds the client in a body', () => {
  test('by the digits of an integer, and by no other number', async () => {
    await gateway.gateway.createSource({
      exchange: 'orders',
      exchangeType: 'TOPIC',
      routingKey: '#',
      clientId: { bodyPointer: '/userId' },
    })
    const audiences = ['750727362669608961', '[9007199254740993,"a",2.5]', '1.0', '1e3', '-7', '1e400'].map((token) =>
      gateway.gateway.sources.audienceOf({
        exchange: 'orders',
        routingKey: 'new',
        body: Buffer.from(`{"userId":${token}}`),
        properties: { contentType: 'application/json' },
        redelivered: false,
        receivedAt: 0,
      }),
    )
    expect(audiences).toEqual([['750727362669608961'], ['9007199254740993', 'a'], [], [], ['-7'], []])
  })
})

test('any JSON is printed unchanged, but for white space, order and repeats', () => {
  const check = (text: string) => {
    let parsed: unknown
    try {
      parsed = JSON.parse(text)
    } catch {
      expect(() => parseJson(text)).toThrow(SyntaxError)
      return
    }
    const printed = printJson(parseJson(text)) ?? ''
    // Equal but for numbers, and each number is a token of the text.
    expect(JSON.parse(printed)).toEqual(parsed)
    for (const number of numbersOf(parseJson(text))) expect(text).toContain(number)
    if (isCanonicalJson(Buffer.from(text), maxDepth)) expect(printed).toBe(text)
    expect(printJson(parseJson(printed))).toBe(printed)
    // White space is allowed anywhere between tokens, and takes another path.
    for (const body of [text, ` ${text}\n`, JSON.stringify([parsed], undefined, '\t')]) {
      const expected = body.includes('\t') ? JSON.stringify([parsed]) : printed
      expect(Buffer.from(bodyOf(body).json, 'latin1').toString()).toBe(expected)
    }
  }
  fc.assert(fc.property(anyJsonText, check), runs(600))
})

function bodyOf(text: string): DecodedBody {
  const properties = { contentType: 'application/json' }
  const message = {
    exchange: '',
    routingKey: '',
    body: Buffer.from(text),
    properties,
    redelivered: false,
    receivedAt: 0,
  }
  return decodeBody(message)
}

function numbersOf(value: unknown): string[] {
  if (typeof value === 'number') return [String(value)]
  if (value instanceof JsonNumber) return [value.token]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersOf) : []
}

test('JSON that nests deeper than the stack is read all the same', () => {
  const text = `${'['.repeat(100_000)}1e400${']'.repeat(100_000)}`
  let depth = 0
  let value = parseJson(text)
  for (; Array.isArray(value); value = (value as unknown[])[0]) depth += 1
  expect({ depth, token: (value as JsonNumber).token }).toEqual({ depth: 100_000, token: '1e400' })
})
