import { expect, jest, test } from '@jest/globals'
import { readControlMessage } from '../../../src/brokers/control-message.ts'
import { ControlSignature } from '../../../src/brokers/control-signature.ts'
import { Throttle } from '../../../src/core/limits/throttle.ts'
import type { ControlMessage } from '../../../src/core/ports/control-bus.ts'
import { callerOf, listen, publish } from '../../e2e/back-end/graphql-caller.ts'
import { testKeys } from '../../support/gateway/deployment-keys.ts'
import { openGateway } from '../../support/gateway/gateway-in-process.ts'

const deleted: ControlMessage = { kind: 'client-deleted', clientId: 'alice', by: 'another' }

/** The message as another replica receives it. */
function overTheWire(json: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(json)) as Record<string, unknown>
}

test('a signed control message is read by this release and by the last one', () => {
  const keys = testKeys()
  const sent = overTheWire(new ControlSignature(keys).write(deleted))
  expect(new ControlSignature(keys).read(sent)).toEqual({ isSigned: true, message: deleted })
  // The last release reads the plain members, and ignores the others.
  expect(readControlMessage(sent)).toEqual(deleted)
})

test('an unsigned, foreign, altered, old or repeated control message is only a hint', () => {
  const keys = testKeys()
  const signature = new ControlSignature(keys)
  const reader = new ControlSignature(keys)
  const hint = { isSigned: false }
  const sent = () => overTheWire(signature.write(deleted))
  expect(reader.read(deleted)).toEqual(hint)
  expect(reader.read(overTheWire(new ControlSignature(testKeys()).write(deleted)))).toEqual(hint)
  const text = sent()
  expect(reader.read({ ...text, signed: String(text['signed']).replace('alice', 'bobby') })).toEqual(hint)
  expect(reader.read({ ...text, signature: `${String(text['signature'])}A` })).toEqual(hint)
  expect(reader.read({ ...text, signature: '' })).toEqual(hint)
  // The plain members are for the last release only.
  expect(reader.read({ ...text, clientId: 'bob' })).toEqual({ isSigned: true, message: deleted })
  expect(reader.read(text)).toEqual(hint)

  const now = Date.now()
  const clock = jest.spyOn(Date, 'now').mockReturnValue(now - 6 * 60_000)
  const old = sent()
  clock.mockRestore()
  expect(reader.read(old)).toEqual(hint)
  for (const garbage of [null, 7, 'text', {}, { kind: 'unknown' }, { signed: 1 }])
    expect(reader.read(garbage)).toBeUndefined()
})

test('a forged control message ends no subscription and creates no source', async () => {
  await using gateway = await openGateway()
  await using alice = await listen(gateway.graphqlSocketUrl, await gateway.clientToken('alice'), { clientId: 'alice' })
  const source = { exchange: 'forged', exchangeType: 'FANOUT', routingKey: '#', clientId: { fixed: 'alice' } }
  const forged = [
    deleted,
    { kind: 'client-revoked', clientId: 'alice', at: new Date().toISOString() },
    { kind: 'source-known', source: { ...source, id: 'x', createdAt: new Date(), ownsExchange: true } },
    new ControlSignature(testKeys()).write(deleted),
    'no message',
  ].map((message) => JSON.stringify(message))
  // As an attacker with RabbitMQ's credentials would.
  for (const body of [...forged, '{'].map((text) => Buffer.from(text)))
    await gateway.gateway.publish({ exchange: 'warren.control', routingKey: 'control', body, properties: {} })
  const call = callerOf(gateway.graphqlUrl, gateway.operatorToken)
  await call(publish, { input: { clientId: 'alice', data: 'still here' } })
  expect(await alice.next()).toMatchObject({ data: 'still here' })
  expect(gateway.gateway.sources.hasExchange('forged')).toBe(false)
  expect(gateway.gateway.revocations.of('alice')).toBeUndefined()
})

test('a flood of hints makes the gateway read the registry at once, and then once an interval', () => {
  jest.useFakeTimers()
  try {
    let reads = 0
    const throttle = new Throttle(() => {
      reads += 1
    }, 1_000)
    for (let n = 0; n < 10_000; n += 1) throttle.call()
    expect(reads).toBe(1)
    jest.advanceTimersByTime(1_000)
    expect(reads).toBe(2)
    jest.advanceTimersByTime(10_000)
    expect(reads).toBe(2)
    throttle.call()
    expect(reads).toBe(3)
    throttle.close()
  } finally {
    jest.useRealTimers()
  }
})
