import { describe, expect, test } from '@jest/globals'
import { anonymous, type Identity, parseScope } from '../../../src/core/model/identity.ts'
import type { JournalMessage, Publication } from '../../../src/core/model/message.ts'
import type { Source } from '../../../src/core/model/source.ts'
import type { Broker } from '../../../src/core/ports/broker.ts'
import { bufferedExchange, bufferedHeaders, unbuffered } from '../../../src/core/publishing/buffered-message.ts'
import { PublishGate } from '../../../src/core/publishing/publish-gate.ts'
import { PublishRights } from '../../../src/core/publishing/publish-rights.ts'
import { GatewayError } from '../../../src/errors.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('the gate', () => {
  const publication = (bytes: number, payer?: string): Publication => ({
    exchange: 'e',
    routingKey: 'k',
    body: Buffer.alloc(bytes),
    properties: {},
    payer,
  })
  const stored = { offset: 1 } as unknown as JournalMessage

  function gateWith(bind: () => Promise<void> = async () => {}) {
    const calls: string[] = []
    let up: (isUp: boolean) => void = () => undefined
    const isUp = new Promise<boolean>((resolve) => (up = resolve))
    const broker = {
      bind: (source: Source) => {
        calls.push(`bind ${source.exchange}`)
        return bind()
      },
      publish: async ({ body }: Publication) => {
        calls.push(`publish ${body.length}`)
        return stored
      },
    } as unknown as Broker
    const gate = new PublishGate({
      broker,
      limits: { publishTimeoutMs: 77 },
      firstUp: (timeoutMs) => {
        calls.push(`wait ${timeoutMs}`)
        return isUp
      },
      unavailable: () => new GatewayError('BROKER_UNAVAILABLE', 'away'),
    })
    gate.defaultSource = { exchange: 'default' } as Source
    return { gate, calls, up: (value: boolean) => up(value) }
  }

  test('holds publications until the default source is bound, then lets all pass at once', async () => {
    const { gate, calls, up } = gateWith()
    const published = Promise.all([gate.publish(publication(1)), gate.publish(publication(2))])
    await turn()
    expect([calls, gate.isOpen, gate.waitingBytes]).toEqual([['wait 77', 'wait 77'], false, 1_027])
    up(true)
    expect(await published).toEqual([stored, stored])
    expect(calls.slice(2)).toEqual(['bind default', 'publish 1', 'publish 2'])
    expect([gate.isOpen, gate.waitingBytes]).toEqual([true, 0])
    await gate.publish(publication(3))
    expect(calls.slice(5)).toEqual(['publish 3'])
  })

  test('refuses what waited in vain, and what finds no room', async () => {
    const { gate, calls, up } = gateWith()
    const first = gate.publish(publication(9 * 1024 * 1024, 'a'))
    const away = { code: 'BROKER_UNAVAILABLE' }
    await expect(gate.publish(publication(1, 'a'))).rejects.toMatchObject(away)
    await expect(gate.publish(publication(8 * 1024 * 1024, 'b'))).rejects.toMatchObject(away)
    up(false)
    await expect(first).rejects.toMatchObject(away)
    expect([calls, gate.waitingBytes, gate.isOpen]).toEqual([['wait 77'], 0, false])
  })

  test('tries again after a binding that failed, and explains a conflict of the default source', async () => {
    const errors: (Error | undefined)[] = [
      new Error('lost'),
      new GatewayError('BROKER_UNAVAILABLE', 'away'),
      new GatewayError('SOURCE_CONFLICT', 'other type'),
      undefined,
    ]
    const { gate, calls } = gateWith(async () => {
      const error = errors.shift()
      if (error) throw error
    })
    const conflict = errors[2]
    await expect(gate.open()).rejects.toThrow(/^lost$/)
    await expect(gate.open()).rejects.toThrow(/^away$/)
    await expect(gate.open()).rejects.toMatchObject({
      code: 'SOURCE_CONFLICT',
      message: 'the default source cannot be bound; remove the conflict, or set another WARREN_NAMESPACE: other type',
      cause: conflict,
    })
    expect(gate.isOpen).toBe(false)
    await Promise.all([gate.open(), gate.open()])
    expect([gate.isOpen, calls.length]).toEqual([true, 4])
  })

  test('opens without a default source', async () => {
    const { gate, calls } = gateWith()
    gate.defaultSource = undefined
    await gate.open()
    expect([gate.isOpen, calls]).toEqual([true, []])
  })
})

describe('rights to publish', () => {
  const caller = (scope: string): Identity => ({ ...anonymous, clientId: 'alice', scope: parseScope(scope) })

  function rightsWith(publishExchanges: readonly string[], sources: readonly string[], late: readonly string[] = []) {
    const known = new Set(sources)
    let waits = 0
    const rights = new PublishRights({
      isSource: (exchange) => known.has(exchange),
      limits: { publishExchanges },
      catchUp: async () => {
        waits += 1
        for (const exchange of late) known.add(exchange)
      },
    })
    return { rights, waits: () => waits }
  }

  test('need the grant of the token and of the operator', async () => {
    const { rights, waits } = rightsWith(['sources', 'logs.*'], ['orders'])
    expect(rights.check(caller('publish'), 'orders', 'k')).toBeUndefined()
    expect(() => rights.check(caller(''), 'orders', 'k')).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }))
    expect(() => rights.check(anonymous, 'orders', 'k')).toThrow(expect.objectContaining({ code: 'UNAUTHENTICATED' }))
    expect(waits()).toBe(0)
    await rights.check(caller('publish:logs.a'), 'logs.a', 'k')?.()
    await expect(rights.check(caller('publish:secret'), 'secret', 'k')?.()).rejects.toThrow(
      'exchange "secret": callers may not publish to it, because WARREN_PUBLISH_EXCHANGES is sources,logs.*',
    )
    expect(waits()).toBe(2)
  })

  test('wait for a source that another replica has just created', async () => {
    const { rights, waits } = rightsWith(['sources'], [], ['orders'])
    await rights.check(caller('publish'), 'orders', 'k')?.()
    expect(waits()).toBe(1)
    await expect(rights.check(caller('publish'), 'others', 'k')?.()).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  test('for a reserved exchange need its own name, not a pattern', async () => {
    await expect(rightsWith(['#'], []).rights.check(caller('operator'), 'warren.room', 'k')?.()).rejects.toMatchObject({
      code: 'FORBIDDEN',
    })
    await rightsWith(['warren.room'], []).rights.check(caller('operator'), 'warren.room', 'k')?.()
  })
})

describe('a message of a buffered source', () => {
  test('is as before when the gateway has moved it', () => {
    const properties = { messageId: 'm', contentType: 't', headers: { a: 1 } }
    const headers = bufferedHeaders(properties, 'orders', false)
    expect(headers).toEqual({ a: 1, 'x-warren-buffered-from': 'orders' })
    expect(unbuffered({ ...properties, headers })).toEqual({ exchange: 'orders', redelivered: false, properties })
    expect(bufferedExchange('warren')).toBe('warren.buffered')
  })

  test('keeps whether it may have been moved before, and that it had no id', () => {
    const headers = bufferedHeaders({}, 'orders', true)
    expect(headers).toEqual({
      'x-warren-buffered-from': 'orders',
      'x-warren-buffered-again': true,
      'x-warren-buffered-no-id': true,
    })
    // Moving gives it an id.
    expect(unbuffered({ messageId: 'given', headers })).toEqual({
      exchange: 'orders',
      redelivered: true,
      properties: { headers: {} },
    })
    expect(unbuffered({ messageId: 'm', headers: { ...headers, 'x-warren-buffered-no-id': 1 } })).toMatchObject({
      properties: { messageId: 'm' },
    })
  })

  test('counts as redelivered if it was published again', () => {
    const headers = { 'x-warren-buffered-from': 'orders', 'x-warren-repeated': true }
    expect(unbuffered({ headers })).toEqual({ exchange: 'orders', redelivered: true, properties: { headers: {} } })
  })

  test.each([{}, { headers: {} }, { headers: { 'x-warren-buffered-from': 7 } }])(
    'is none without its mark: %j',
    (given) => {
      expect(unbuffered(given)).toBeUndefined()
    },
  )
})
