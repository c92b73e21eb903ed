import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mayLeadTo } from '../../../../src/transports/graphql/callback/allowed-urls.ts'
import { position, publish } from '../../../client/numbered-messages.ts'
import { eventually } from '../../../support/eventually.ts'
import { Inbox } from '../../../support/frames/inbox.ts'
import { type InProcessGateway, openGateway } from '../../../support/gateway/gateway-in-process.ts'

interface Message {
  readonly action: string
  readonly payload?: { readonly data: { readonly channel: { readonly data: unknown } } }
  readonly errors?: readonly object[]
}

interface Received {
  readonly message: Message
  readonly version: unknown
  readonly response: ServerResponse
}

/** What the router of these tests gets, by the last part of its URL. */
const inboxes = new Map<string, Inbox<Received>>()
let router: Server
let base: string
let gateway: InProcessGateway

beforeAll(async () => {
  router = createServer((request, response) => {
    const read = async () => {
      let text = ''
      for await (const piece of request.setEncoding('utf8')) text += String(piece)
      const [, place, name = ''] = /^\/(\w+)\/(\w+)$/.exec(request.url ?? '') ?? []
      const inbox = inboxes.get(name)
      if (place !== 'callback' || !inbox) return response.writeHead(404).end()
      const message = JSON.parse(text) as Message
      inbox.push({ message, version: request.headers['subscription-protocol'], response })
      return undefined
    }
    read().catch(() => response.destroy())
  })
  await once(router.listen(0, '127.0.0.1'), 'listening')
  base = `http://127.0.0.1:${(router.address() as AddressInfo).port}`
  gateway = await openGateway({ WARREN_CALLBACK_URLS: `${base}/callback` })
})
afterAll(async () => {
  await gateway?.close()
  router.close()
  router.closeAllConnections()
})

interface Asked {
  readonly query?: string
  readonly after?: string
  readonly accept?: string
  readonly subscription?: Readonly<Record<string, unknown>>
  readonly from?: InProcessGateway
}

const accept = 'application/json;callbackSpec=1.0'
const listenTo = (clientId: string) =>
  `subscription ($after: Cursor) { channel(clientId: "${clientId}", after: $after) { data } }`

async function ask(
  name: string,
  { query = listenTo(name), after, subscription = {}, from = gateway, ...asked }: Asked = {},
) {
  const given = { callbackUrl: `${base}/callback/${name}`, subscriptionId: name, verifier: 'proof', ...subscription }
  const response = await fetch(from.graphqlUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: asked.accept ?? accept,
      authorization: `Bearer ${from.operatorToken}`,
    },
    body: JSON.stringify({ query, variables: { after }, extensions: { subscription: given } }),
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as object }
}

function inboxOf(name: string): Inbox<Received> {
  const inbox = new Inbox<Received>(`a message for ${name}`)
  inboxes.set(name, inbox)
  return inbox
}

function answer({ response }: Received, status = 204): void {
  response.writeHead(status, { 'subscription-protocol': 'callback/1.0' }).end()
}

/** Subscribes without heartbeats, and confirms the URL. */
async function begun(name: string, asked: Asked = {}): Promise<Inbox<Received>> {
  const inbox = inboxOf(name)
  const asking = ask(name, { subscription: { heartbeatIntervalMs: 0 }, ...asked })
  answer(await inbox.next())
  expect((await asking).body).toEqual({ data: null })
  return inbox
}

const sessions = () => [...gateway.gateway.sessions].filter(({ transport }) => transport === 'callback')

describe('the HTTP callback protocol', () => {
  test('confirms the URL before it answers, and posts results, each with the ids of the subscription', async () => {
    const inbox = inboxOf('first')
    const asking = ask('first', { subscription: { heartbeatIntervalMs: 0 } })
    const check = await inbox.next()
    const ids = { kind: 'subscription', id: 'first', verifier: 'proof' }
    expect(check).toMatchObject({ version: 'callback/1.0', message: { ...ids, action: 'check' } })
    await publish(gateway, 'first', 'ü')
    answer(check)
    const { status, headers, body } = await asking
    expect([status, headers.get('subscription-protocol'), body]).toEqual([200, 'callback/1.0', { data: null }])
    const next = await inbox.next()
    expect(next.message).toEqual({ ...ids, action: 'next', payload: { data: { channel: { data: 'ü' } } } })
    answer(next, 404)
    await eventually('the subscription to end', () => sessions().length === 0)
  })

  test('posts one message after the other, in turns with heartbeats that are always due', async () => {
    const other = await begun('clock', { subscription: { heartbeatIntervalMs: 100 } })
    const inbox = await begun('turns', { subscription: { heartbeatIntervalMs: 100 } })
    for (let n = 0; n < 5; n += 1) await publish(gateway, 'turns', n)
    const numbers: unknown[] = []
    let checks = 0
    while (numbers.length < 5 || checks === 0) {
      const { message, response, version } = await inbox.next()
      // Meanwhile a heartbeat is due, as the other subscription shows.
      for (let n = 0; n < 2; n += 1) answer(await other.next())
      expect(inbox.waiting).toEqual([])
      if (message.action === 'check') checks += 1
      else numbers.push(message.payload?.data.channel.data)
      answer({ message, response, version })
    }
    expect(numbers).toEqual([0, 1, 2, 3, 4])
    answer(await other.next(), 404)
    answer(await inbox.next(), 404)
    await eventually('the subscription to end', () => sessions().length === 0)
  })

  test('tries again after a lost connection and after 5xx, and gives up after any other status', async () => {
    const inbox = await begun('again')
    await publish(gateway, 'again', 1)
    const attempts = [await inbox.next()]
    attempts[0]?.response.destroy()
    attempts.push(await inbox.next())
    answer(attempts[1] as Received, 503)
    attempts.push(await inbox.next())
    expect(attempts.map(({ message }) => message.payload?.data.channel.data)).toEqual([1, 1, 1])
    answer(attempts[2] as Received)
    await publish(gateway, 'again', 2)
    const refused = await inbox.next()
    refused.response.writeHead(307, { location: `${base}/callback/elsewhere` }).end()
    inboxOf('elsewhere')
    await eventually('the subscription to end', () => sessions().length === 0)
    expect([inbox.waiting.length, inboxes.get('elsewhere')?.waiting.length]).toEqual([0, 0])
  })

  test('a router that answers nothing holds no more than the bounds of a connection, and gets everything later', async () => {
    const after = await position('slow', gateway.graphqlUrl)
    const inbox = await begun('slow', { after })
    const count = 40
    for (let n = 0; n < count; n += 1) await publish(gateway, 'slow', { n, text: 'x'.repeat(200_000) })
    expect(sessions()[0]?.bufferedBytes).toBeLessThan(5 * 1024 * 1024)
    for (let n = 0; n < count; n += 1) {
      const received = await inbox.next()
      expect(received.message.payload?.data.channel.data).toMatchObject({ n })
      answer(received)
    }
    await publish(gateway, 'slow', 'last')
    answer(await inbox.next(), 404)
    await eventually('the subscription to end', () => sessions().length === 0)
  })

  test('a router that is gone ends the subscription, and a later one resumes after its cursor', async () => {
    const after = await position('dead', gateway.graphqlUrl)
    const inbox = await begun('dead', { after })
    await publish(gateway, 'dead', 1)
    for (let attempt = 0; attempt < 6; attempt += 1) (await inbox.next()).response.destroy()
    await eventually('the subscription to end', () => sessions().length === 0)
    const again = await begun('dead', { after })
    const received = await again.next()
    expect(received.message.payload?.data.channel.data).toBe(1)
    answer(received, 404)
    await eventually('the subscription to end', () => sessions().length === 0)
  })

  test('completes with errors if the channel is deleted, and if the gateway restarts', async () => {
    await using restarting = await openGateway({ WARREN_CALLBACK_URLS: `${base}/callback/` })
    const deleted = await begun('deleted', { from: restarting })
    await restarting.gateway.endChannel('deleted')
    const end = await deleted.next()
    expect(end.message).toMatchObject({ action: 'complete', errors: [{ extensions: { code: 'CHANNEL_NOT_FOUND' } }] })
    answer(end)
    const inbox = await begun('restarted', { from: restarting })
    await publish(restarting, 'restarted', 1)
    const unanswered = await inbox.next()
    await publish(restarting, 'restarted', 2)
    const closing = restarting.close()
    answer(unanswered)
    const last = await inbox.next()
    expect(last.message).toMatchObject({
      action: 'complete',
      errors: [{ extensions: { code: 'RESTART', comeBack: true } }],
    })
    answer(last)
    await closing
  })

  test('answers a query in the same request', async () => {
    expect((await ask('query', { query: '{ gateway { version } }' })).body).toMatchObject({ data: { gateway: {} } })
  })

  test('is recognized by its extension too, unless the client names a streamed form', async () => {
    const inbox = inboxOf('extension')
    const asking = ask('extension', { accept: 'application/json' })
    answer(await inbox.next(), 400)
    expect((await asking).status).toBe(400)
    expect((await ask('extension', { accept: 'text/html' })).status).toBe(406)
  })

  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['no URL', { callbackUrl: undefined }, 'callbackUrl'],
    ['an empty id', { subscriptionId: '' }, 'subscriptionId'],
    ['a long verifier', { verifier: 'x'.repeat(1_025) }, 'verifier'],
    ['a negative interval', { heartbeatIntervalMs: -1 }, 'heartbeatIntervalMs'],
    ['another port', { callbackUrl: 'http://127.0.0.1:1/callback/x' }, 'callbackUrl'],
  ])('refuses %s before anything is sent', async (_what, subscription, field) => {
    const inbox = inboxOf('refused')
    const { status, body } = await ask('refused', { subscription })
    expect(status).toBe(400)
    const extensions = { code: 'BAD_USER_INPUT', field: `extensions.subscription.${field}` }
    expect(body).toMatchObject({ errors: [{ extensions }] })
    expect([inbox.waiting.length, sessions().length]).toEqual([0, 0])
  })

  test.each([
    ['/callbacks/refused'],
    ['/callback/../refused'],
    ['/callback/%2e%2e/refused'],
    ['/callback/..%2frefused'],
    ['/callback/a%5C..%5Crefused'],
  ])('does not post to %s', async (path) => {
    const { body } = await ask('refused', { subscription: { callbackUrl: base + path } })
    expect(body).toMatchObject({ errors: [{ message: expect.stringMatching(/WARREN_CALLBACK_URLS/) }] })
    const { host } = new URL(base)
    const foreign = await ask('refused', { subscription: { callbackUrl: `http://${host}@127.0.0.2${path}` } })
    expect(foreign.body).toMatchObject({ errors: [{ message: expect.stringMatching(/WARREN_CALLBACK_URLS/) }] })
  })

  test('is off by default', async () => {
    await using other = await openGateway()
    const { status, body } = await ask('off', { from: other })
    expect(status).toBe(400)
    expect(body).toMatchObject({ errors: [{ message: expect.stringMatching(/set WARREN_CALLBACK_URLS/) }] })
  })
})

test.each<[string, string, boolean]>([
  ['router.example.com', '203.0.113.5', true],
  ['router.example.com', '10.0.0.1', false],
  ['router.example.com', '127.0.0.1', false],
  ['router.example.com', '::1', false],
  ['router.example.com', 'fd00::1', false],
  ['router.example.com', '::ffff:10.0.0.1', false],
  ['router', '10.0.0.1', true],
  ['router.apollo.svc', '10.0.0.1', true],
  ['router.apollo.svc.cluster.local', '10.0.0.1', true],
  ['router.apollo.svc', '169.254.169.254', false],
  ['router', 'fe80::1', false],
  ['router', '0.0.0.0', false],
  ['localhost', '127.0.0.1', true],
  ['127.0.0.1', '127.0.0.1', true],
])('a callback to %s may be at %s: %s', (hostname, address, expected) => {
  expect(mayLeadTo(hostname, { address, family: address.includes(':') ? 6 : 4 })).toBe(expected)
})
