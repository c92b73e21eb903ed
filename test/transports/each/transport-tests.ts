import { describe, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import type { TransportAdapter } from '../suite/adapter.ts'
import { asClient, call, dataOf, maxBufferedBytes, maxOfClient, publishTo, take, under } from './gateway-under-test.ts'

/** What a subscription is to: the channel of a client, or a typed field. */
const subjects = [
  ['a channel', false],
  ['a typed field', true],
] as const

export const labelOf = ({ name, mode }: TransportAdapter) => (mode === undefined ? name : `${name}-${mode}`)

const sessionsOf = ({ name }: TransportAdapter) =>
  [...under.gateway.gateway.sessions].filter(({ transport }) => transport === name)

/**
 * The tests that every transport passes. Each transport has a file that calls this, so that the
 * files run at the same time.
 */
export function testTransport(transport: TransportAdapter): void {
  describe.each(subjects)(`over ${labelOf(transport)}, %s`, (_subject, typed) => {
    const name = `${labelOf(transport)}${typed ? '-typed' : ''}`
    const send = (channel: string, data: unknown) => publishTo(channel, data, typed)
    const as = (channel: string) => asClient(channel, typed)

    test('a subscriber receives each message once, in order, unchanged', async () => {
      const all: unknown[] = [{ a: [1, null, 'ß𝄞'] }, 'text', 0, false, '', 'x'.repeat(100_000), { toString: 'x' }, []]
      await using listening = await transport.listen(under, await as(`${name}-order`))
      for (const data of all) await send(`${name}-order`, data)
      const received = await take(listening, all.length)
      expect(dataOf(received)).toEqual(all)
      expect(new Set(received.map(({ cursor }) => cursor)).size).toBe(all.length)
    })

    test.each([
      ['an anonymous client', async () => undefined, 'UNAUTHENTICATED'],
      ['another client', () => under.gateway.clientToken('somebody'), 'FORBIDDEN'],
      ['a publisher', async () => under.gateway.publisherToken, 'FORBIDDEN'],
    ])('%s may not subscribe to a channel', async (_who, token, code) => {
      const requested = { channel: `${name}-secret`, token: await token(), typed }
      // A connection that needs a token itself waits this long for one.
      await using listening = await transport.listen(under, requested)
      await expect(listening.events.next()).rejects.toMatchObject({ code })
    })

    test('an operator, and a client with the channel in its scope, may subscribe', async () => {
      const { after } = await as(`${name}-open`)
      await using listening = await transport.listen(under, {
        channel: `${name}-open`,
        token: under.gateway.operatorToken,
        after,
        typed,
      })
      await send(`${name}-open`, 1)
      expect(dataOf(await take(listening, 1))).toEqual([1])
    })

    test('exceeding a limit is answered, and does not affect clients within it', async () => {
      const requested = await as(`${name}-limit`)
      const within = await Promise.all(Array.from({ length: maxOfClient }, () => transport.listen(under, requested)))
      await send(`${name}-limit`, 1)
      for (const listening of within) expect(dataOf(await take(listening, 1))).toEqual([1])
      await using beyond = await transport.listen(under, requested)
      await expect(beyond.events.next()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
      await send(`${name}-limit`, 2)
      for (const listening of within) expect(dataOf(await take(listening, 1))).toEqual([2])
      await Promise.all(within.map((listening) => listening[Symbol.asyncDispose]()))
    })

    test('an invalid cursor yields a gap', async () => {
      await using listening = await transport.listen(under, { ...(await as(`${name}-gap`)), after: 'none' })
      expect((await listening.events.next()).kind).toBe('GAP')
    })

    test('a subscription with last begins with so many events of the past, and continues live; wrong options are refused', async () => {
      const requested = await as(`${name}-last`)
      await using witness = await transport.listen(under, requested)
      for (const n of [1, 2, 3]) await send(`${name}-last`, n)
      await take(witness, 3)
      await using listening = await transport.listen(under, { ...requested, after: undefined, last: 2 })
      expect(dataOf(await take(listening, 2))).toEqual([2, 3])
      await send(`${name}-last`, 4)
      expect(dataOf(await take(listening, 1))).toEqual([4])
      await using refused = await transport.listen(under, { ...requested, after: undefined, last: 1_001 })
      await expect(refused.events.next()).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
      await using paced = await transport.listen(under, { ...requested, every: 'soon' })
      await expect(paced.events.next()).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
    })

    test('a peer that does not read delays no other, holds no more than its limit, and receives everything in the end', async () => {
      const requested = await as(`${name}-slow`)
      await using slow = await transport.listen(under, requested)
      await using quick = await transport.listen(under, requested)
      await send(`${name}-slow`, 'first')
      await Promise.all([slow, quick].map((listening) => take(listening, 1)))
      slow.pause()
      const count = 60
      const text = 'x'.repeat(200_000)
      for (let n = 0; n < count; n += 1) {
        await send(`${name}-slow`, n % 2 === 0 ? n : `${n}${text}`)
        await take(quick, 1)
      }
      for (const session of sessionsOf(transport))
        expect(session.bufferedBytes).toBeLessThan(maxBufferedBytes + text.length + 1_000)
      slow.resume()
      const received = dataOf(await take(slow, count)).map((data) => Number.parseInt(String(data), 10))
      expect(received).toEqual(Array.from({ length: count }, (_, n) => n))
    })

    test('a peer that violates the protocol is answered or cut off, and no other', async () => {
      await using listening = await transport.listen(under, await as(`${name}-neighbour`))
      await transport.misbehave(under)
      await send(`${name}-neighbour`, 'still here')
      expect(dataOf(await take(listening, 1))).toEqual(['still here'])
    })

    test('a revoked client is not asked to reconnect', async () => {
      await using listening = await transport.listen(under, await as(`${name}-revoked`))
      await send(`${name}-revoked`, 1)
      await take(listening, 1)
      await call('mutation R($clientId: ID!) { revoke(clientId: $clientId) }', { clientId: `${name}-revoked` })
      expect(await listening.closed).toEqual({ reconnects: false })
    })

    test('a disconnected client is forgotten', async () => {
      const before = sessionsOf(transport).length
      const listening = await transport.listen(under, await as(`${name}-gone`))
      await eventually('its session', () => sessionsOf(transport).length === before + 1)
      await listening[Symbol.asyncDispose]()
      await eventually('its session to be gone', () => sessionsOf(transport).length === before)
    })
  })
}
