import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { transports } from '../every-transport.ts'
import { asClient, dataOf, open, publishTo, take, under } from './gateway-under-test.ts'
import { labelOf } from './transport-tests.ts'

test('each transport has a file of tests in this folder', () => {
  const folder = new URL('.', import.meta.url)
  const tested = readdirSync(folder)
    .map((file) => /^testTransport\((\w+)\)$/m.exec(readFileSync(new URL(file, folder), 'utf8'))?.[1])
    .filter((name) => name !== undefined)
  expect(tested).toHaveLength(transports.length)
  expect(new Set(tested).size).toBe(transports.length)
})

test('one channel over every transport at once: each message once, in the same order; a cursor of one resumes on another', async () => {
  // More subscriptions at once than this suite's limit for one client.
  const requested = { ...(await asClient('together')), token: under.gateway.operatorToken }
  const all = await Promise.all(transports.map((transport) => transport.listen(under, requested)))
  for (let n = 0; n < 30; n += 1) await publishTo('together', { n })
  const received = await Promise.all(all.map((listening) => take(listening, 30)))
  const cursors = received.map((events) => events.map(({ cursor }) => cursor))
  for (const [place, events] of received.entries()) {
    expect(dataOf(events)).toEqual(Array.from({ length: 30 }, (_, n) => ({ n })))
    expect(cursors[place]).toEqual(cursors[0])
  }
  await Promise.all(all.map((listening) => listening[Symbol.asyncDispose]()))
  for (const [from, events] of received.entries()) {
    for (const transport of transports) {
      const place = 5 + from
      await using again = await transport.listen(under, { ...requested, after: events[place]?.cursor })
      expect(dataOf(await take(again, 29 - place))).toEqual(dataOf(events.slice(place + 1)))
    }
  }
})

test('at its shutdown a gateway asks all clients to reconnect, and they miss nothing on another one', async () => {
  const ending = await open()
  const listeners = await Promise.all(
    transports.map(async (transport) => {
      const requested = await asClient(`${labelOf(transport)}-drained`)
      return { transport, requested, listening: await transport.listen(ending, requested) }
    }),
  )
  for (const { requested } of listeners) await publishTo(requested.channel, 'before')
  const lasts = await Promise.all(listeners.map(async ({ listening }) => (await take(listening, 1))[0]?.cursor))
  const closing = ending.gateway.close()
  const closed = await Promise.all(listeners.map(({ listening }) => listening.closed))
  expect(closed).toEqual(transports.map(() => ({ reconnects: true })))
  await closing
  for (const { requested } of listeners) await publishTo(requested.channel, 'meanwhile')
  for (const [place, { transport, requested }] of listeners.entries()) {
    await using again = await transport.listen(under, { ...requested, after: lasts[place] })
    expect(dataOf(await take(again, 1))).toEqual(['meanwhile'])
  }
})
