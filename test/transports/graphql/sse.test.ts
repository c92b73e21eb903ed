import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { position, publish } from '../../client/numbered-messages.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'

let gateway: InProcessGateway
beforeAll(async () => {
  gateway = await openGateway()
})
afterAll(() => gateway?.close())

const query = `subscription Listen($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after) { kind cursor data gap { reason } }
}`

interface Block {
  readonly id?: string
  readonly event?: string
  readonly data?: string
  readonly retry?: string
}

/** Reads an event stream, block by block as in its specification. */
async function listen(
  clientId: string,
  {
    after,
    headers,
    token,
    from = gateway,
  }: { after?: string; headers?: Record<string, string>; token?: string; from?: InProcessGateway } = {},
) {
  const url = new URL(from.graphqlUrl)
  url.searchParams.set('query', query)
  url.searchParams.set('variables', JSON.stringify({ clientId, after }))
  if (token !== undefined) url.searchParams.set('token', token)
  const abort = new AbortController()
  const response = await fetch(url, { headers: { accept: 'text/event-stream', ...headers }, signal: abort.signal })
  const blocks = new Inbox<Block>(`a block of ${clientId}`)
  const ended = read(response, (block) => blocks.push(block)).then(
    () => 'orderly' as const,
    () => 'broken off' as const,
  )
  return {
    response,
    blocks,
    ended,
    next: () => blocks.nextMatching(({ event }) => event === 'next'),
    async [Symbol.asyncDispose]() {
      abort.abort()
      await ended
    },
  }
}

async function read(response: Response, onBlock: (block: Block) => void): Promise<void> {
  let text = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks)
      onBlock(Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/s))) as Block)
  }
}

const bearer = async (clientId: string) => ({ authorization: `Bearer ${await gateway.clientToken(clientId)}` })

describe('server-sent events', () => {
  test('have the cursor as their id, and Last-Event-ID takes precedence over `after` in the URL', async () => {
    const after = await position('alice', gateway.graphqlUrl)
    await using first = await listen('alice', { after, headers: await bearer('alice') })
    for (const n of [1, 2, 3]) await publish(gateway, 'alice', n)
    const [one, two] = [await first.next(), await first.next()]
    for (const [index, { id, data }] of [one, two].entries()) {
      expect(JSON.parse(data ?? '')).toMatchObject({ data: { channel: { cursor: id, data: index + 1 } } })
    }
    const headers = { ...(await bearer('alice')), 'last-event-id': two.id ?? '' }
    await using second = await listen('alice', { after, headers })
    expect(JSON.parse((await second.next()).data ?? '')).toMatchObject({ data: { channel: { data: 3 } } })
  })

  test('use the default of a missing variable', async () => {
    const after = await position('faye', gateway.graphqlUrl)
    await publish(gateway, 'faye', 1)
    const url = new URL(gateway.graphqlUrl)
    const listening = `subscription ($clientId: ID! = "faye", $after: Cursor) { channel(clientId: $clientId, after: $after) { clientId data } }`
    url.searchParams.set('query', listening)
    url.searchParams.set('variables', JSON.stringify({ after }))
    const headers = { accept: 'text/event-stream', ...(await bearer('faye')) }
    const abort = new AbortController()
    const response = await fetch(url, { headers, signal: abort.signal })
    const blocks = new Inbox<Block>('a block of faye')
    const ended = read(response, (block) => blocks.push(block)).catch(() => undefined)
    const { data } = await blocks.nextMatching(({ event }) => event === 'next')
    expect(JSON.parse(data ?? '')).toEqual({ data: { channel: { clientId: 'faye', data: 1 } } })
    abort.abort()
    await ended
  })

  test('begin with the reconnection time, different for each', async () => {
    const headers = await bearer('waiting')
    const times = await Promise.all(
      [1, 2, 3].map(async () => {
        await using stream = await listen('waiting', { headers })
        return Number((await stream.blocks.nextMatching(({ retry }) => retry !== undefined)).retry)
      }),
    )
    for (const time of times) expect(time).toBeGreaterThanOrEqual(500)
    expect(new Set(times).size).toBeGreaterThan(1)
  })

  test('break off on a restart, so that clients reconnect, and complete when the channel is deleted', async () => {
    await using restarting = await openGateway()
    const headers = await bearer('bob')
    await using stream = await listen('bob', { headers, from: restarting })
    await stream.blocks.next()
    const closing = restarting.close()
    expect(await stream.ended).toBe('broken off')
    expect(stream.blocks.waiting.filter(({ event }) => event === 'complete')).toEqual([])
    await closing

    await position('carol', gateway.graphqlUrl)
    await using other = await listen('carol', { headers: await bearer('carol') })
    await other.blocks.next()
    await gateway.gateway.endChannel('carol')
    expect((await other.next()).data).toContain('CHANNEL_NOT_FOUND')
    expect(await other.ended).toBe('orderly')
  })
})

describe('?token=', () => {
  test('lets an EventSource in, which cannot send headers', async () => {
    const token = await gateway.clientToken('dave')
    await using stream = await listen('dave', { token })
    expect(stream.response.status).toBe(200)
    await stream.blocks.next()
    await publish(gateway, 'dave', 'in')
    expect((await stream.next()).data).toContain('"in"')
    await using wrong = await listen('dave', { token: 'x' })
    expect(wrong.response.status).toBe(401)
  })

  test('is ignored with an Authorization header, and for anything but event streams', async () => {
    const token = await gateway.clientToken('erin')
    await using stream = await listen('erin', { token, headers: await bearer('somebody-else') })
    expect((await stream.next()).data).toContain('FORBIDDEN')
    const url = new URL(gateway.graphqlUrl)
    url.searchParams.set('query', '{ clientChannel(clientId: "erin") { cursor } }')
    url.searchParams.set('token', token)
    const response = await fetch(url, { headers: { accept: 'application/json' } })
    expect(await response.text()).toContain('UNAUTHENTICATED')
  })
})
