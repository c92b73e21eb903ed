import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { readResult } from '../../src/client/read-result.ts'
import { resumable, resuming } from '../../src/client/resume.ts'
import { publish } from '../events/serving/event-client.ts'
import { eventually } from '../support/eventually.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { type TcpProxy, tcpProxy } from '../support/network/tcp-proxy.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

const sdl = `
type Subscription {
  nullable(id: ID): Item @events(exchange: "items") @allow
  strict(id: ID): Item! @events(exchange: "items") @allow
  member(id: ID): ItemOrGap @events(exchange: "items") @allow
  plain: Int @events(exchange: "numbers") @allow
}
type Item { number: Int!  kind: String }
union ItemOrGap = Item | EventGap
`

const folder = newFolder()
let gateway: InProcessGateway
let proxy: TcpProxy

beforeAll(async () => {
  writeFileSync(join(folder, 'events.graphql'), sdl)
  gateway = await openGateway({ WARREN_SCHEMA: folder })
  proxy = await tcpProxy(Number(new URL(gateway.url).port))
})
afterAll(async () => {
  await proxy?.close()
  await gateway?.close()
  removeFolder(folder)
})

async function connect() {
  const token = await gateway.clientToken('alice')
  return createClient({
    url: `ws://127.0.0.1:${proxy.port}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { token },
  })
}

const send = (number: number) => publish(gateway, { exchange: 'items', routingKey: 'x', data: { number, kind: 'GAP' } })

describe('resumable with a typed field', () => {
  test.each([
    ['nullable', 'nullable(after: $after) { number kind }'],
    ['strict', 'strict(after: $after) { number kind }'],
    ['member', 'member(after: $after) { __typename ... on Item { number kind } }'],
  ])('%s: goes on after lost connections, once and in order', async (_name, field) => {
    const client = await connect()
    const events = new Inbox<{ number: number }>('events')
    const stop = resumable<{ number: number }>(client, {
      query: `subscription ($after: Cursor) { ${field} }`,
      variables: { after: await send(0) },
      retryFirstMs: 1,
    }).subscribe({ next: (event) => events.push(event) })
    const numbers: number[] = []
    for (let number = 1; number <= 9; number += 1) {
      if (number % 3 === 0) proxy.cut()
      await send(number)
      numbers.push((await events.next()).number)
    }
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    stop()
    await client.dispose()
  })

  test.each([
    ['nullable', 'nullable(after: $after) { number }', false],
    ['strict', 'strict(after: $after) { number }', false],
    ['member', 'member(after: $after) { __typename ... on Item { number } }', true],
  ])('%s: tells a gap and goes on', async (_name, field, isPassedOn) => {
    const client = await connect()
    const gaps = new Inbox<unknown>('gaps')
    const events = new Inbox<unknown>('events')
    const stop = resumable<unknown>(client, {
      query: `subscription ($after: Cursor) { ${field} }`,
      variables: { after: 'nonsense' },
      onGap: (gap) => gaps.push(gap),
    }).subscribe({ next: (event) => events.push(event), error: (error) => events.push(error) })
    expect(await gaps.next()).toMatchObject({
      kind: 'GAP',
      gap: { reason: 'INVALID_CURSOR', oldest: expect.any(String) },
    })
    if (isPassedOn) expect(await events.next()).toEqual({ __typename: 'EventGap' })
    await eventually('a live subscription', () => gateway.gateway.hub.size === 1)
    await send(1)
    expect(await events.next()).toMatchObject({ number: 1 })
    stop()
    await client.dispose()
    await eventually('no subscription', () => gateway.gateway.hub.size === 0)
  })
})

test('resuming passes results of typed fields on as they are', async () => {
  const client = await connect()
  const results = new Inbox<unknown>('results')
  const stop = resuming(client).subscribe(
    { query: 'subscription ($after: Cursor) { nullable(after: $after) { number } }', variables: { after: 'nonsense' } },
    { next: (result) => results.push(result), error: (error) => results.push(error), complete: () => undefined },
  )
  expect(await results.next()).toMatchObject({
    data: { nullable: null },
    extensions: { warren: { gap: { reason: 'INVALID_CURSOR' } } },
  })
  stop()
  await client.dispose()
})

test('a field of a scalar passes its value on', async () => {
  await eventually('no subscription', () => gateway.gateway.hub.size === 0)
  const client = await connect()
  const values = new Inbox<unknown>('values')
  const stop = resumable<number>(client, { query: 'subscription ($after: Cursor) { plain(after: $after) }' }).subscribe(
    {
      next: (value) => values.push(value),
    },
  )
  await eventually('a live subscription', () => gateway.gateway.hub.size === 1)
  await publish(gateway, { exchange: 'numbers', routingKey: 'x', data: 7 })
  expect(await values.next()).toBe(7)
  stop()
  await client.dispose()
})

describe('readResult', () => {
  const cursor = 'c1'

  test.each([
    [
      'behind a router that drops extensions: an error',
      { data: null, errors: [{ message: '', extensions: { code: 'GAP', reason: 'RETENTION', oldest: null, cursor } }] },
      { cursor, gap: { reason: 'RETENTION', oldest: null }, hasValue: false },
    ],
    [
      'behind such a router: the member',
      { data: { f: { __typename: 'EventGap', reason: 'OVERFLOW', cursor } } },
      { cursor, gap: { reason: 'OVERFLOW', oldest: null }, hasValue: true },
    ],
    [
      'a checkpoint',
      { data: { f: null }, extensions: { warren: { cursor, checkpoint: true } } },
      { cursor, isCheckpoint: true, hasValue: false },
    ],
    [
      'null as the payload',
      { data: { f: null }, extensions: { warren: { cursor } } },
      { cursor, gap: undefined, hasValue: true, value: null },
    ],
    [
      'a channel',
      { data: { channel: { kind: 'MESSAGE', cursor } } },
      { cursor, gap: undefined, isCheckpoint: false, hasValue: true },
    ],
  ])('reads %s', (_what, result, read) => {
    expect(readResult(result)).toMatchObject(read)
  })

  test('has nothing without a cursor', () => {
    expect(readResult({ data: { f: { a: 1 } } })).toBeUndefined()
    expect(readResult({ data: null, errors: [{ message: 'no' }] })).toBeUndefined()
  })
})
