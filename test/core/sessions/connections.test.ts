import { expect, test } from '@jest/globals'
import { anonymous, anyListener, type Identity, noScope } from '../../../src/core/model/identity.ts'
import { closeReasonOf } from '../../../src/core/sessions/close-reason-of.ts'
import { type ConnectionSlot, Connections } from '../../../src/core/sessions/connections.ts'
import { payerOf } from '../../../src/core/sessions/payer.ts'
import { type ErrorCode, errorTable } from '../../../src/errors.ts'

const alice: Identity = { ...anonymous, clientId: 'alice' }
const operator: Identity = { ...anonymous, scope: { ...noScope, operator: true } }

function connections(given: Partial<ConstructorParameters<typeof Connections>[0]> = {}): Connections {
  return new Connections({ maxConnections: 1_000, maxConnectionsPerAddress: 2, maxConnectionsPerClient: 3, ...given })
}

/** How many times the call succeeds before it throws `LIMIT_EXCEEDED` with this option. */
function until(limit: string, call: () => unknown): number {
  for (let count = 0; ; count += 1) {
    try {
      call()
    } catch (error) {
      expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', limit })
      return count
    }
  }
}
const ofAddress = 'WARREN_MAX_CONNECTIONS_PER_ADDRESS'
const ofClient = 'WARREN_MAX_CONNECTIONS_PER_CLIENT'

test('a payer is a client, else a network, else undefined', () => {
  expect(payerOf(alice, '192.0.2.1')).toBe('client alice')
  expect(payerOf(anonymous, '2001:db8:0:1::2')).toBe(payerOf(anonymous, '2001:db8:0:1::3'))
  expect(payerOf(anonymous, '192.0.2.1')).toBe('address 192.0.2.1')
  expect([payerOf(anonymous, ''), payerOf(anonymous, undefined)]).toEqual([undefined, undefined])
})

test('a slot is charged to the client, or to the address of a caller without an identity', () => {
  const all = connections()
  expect(until(ofClient, () => all.takeSlot(alice, '192.0.2.1'))).toBe(3)
  expect(until(ofClient, () => all.takeSlot(operator, '192.0.2.1'))).toBe(3)
  expect(until(ofAddress, () => all.takeSlot(anonymous, '192.0.2.1'))).toBe(2)
  expect(until(ofAddress, () => all.takeSlot(anyListener, '192.0.2.2'))).toBe(2)
  for (let count = 0; count < 10; count += 1) all.takeSlot(anonymous, undefined)
})

test.each([
  [1_000, 100, 500],
  [55, 10, 27],
  [4, 10, 10],
])('of %i connections, one address may have %i and one client %i', (maxConnections, perAddress, perClient) => {
  const all = connections({
    maxConnections,
    maxConnectionsPerAddress: undefined,
    maxConnectionsPerClient: undefined,
  })
  expect(until(ofAddress, () => all.takeSlot(anonymous, '192.0.2.1'))).toBe(perAddress)
  expect(until(ofClient, () => all.takeSlot(alice, '192.0.2.1'))).toBe(perClient)
})

test('a released slot is free again', () => {
  const all = connections()
  const slots = [all.takeSlot(anonymous, '192.0.2.1'), all.takeSlot(anonymous, '192.0.2.1')]
  slots[0]?.release()
  slots[0]?.release()
  expect(until(ofAddress, () => all.takeSlot(anonymous, '192.0.2.1'))).toBe(1)
})

test('a slot moves to another identity, and stays where it is if there is no room', () => {
  const all = connections()
  const slot = all.takeSlot(anonymous, '192.0.2.1')
  slot.chargeTo(alice)
  expect(until(ofAddress, () => all.takeSlot(anonymous, '192.0.2.1'))).toBe(2)
  expect(until(ofClient, () => all.takeSlot(alice, '192.0.2.2'))).toBe(2)
  // The same payer: nothing is taken.
  slot.chargeTo({ ...alice, expiresAt: new Date() })
  expect(() => slot.chargeTo(anonymous)).toThrow('from one address')
  slot.chargeTo(alice)
  slot.release()
  expect(until(ofClient, () => all.takeSlot(alice, '192.0.2.2'))).toBe(1)
  expect(until(ofAddress, () => all.takeSlot(anonymous, '192.0.2.1'))).toBe(0)

  // A token without a client counts under the limit of a client, although the payer is the address.
  const stays: ConnectionSlot = all.takeSlot(anonymous, '192.0.2.3')
  stays.chargeTo(operator)
  expect(until(ofAddress, () => all.takeSlot(anonymous, '192.0.2.3'))).toBe(2)
})

test('a socket is charged to its address until a session is, with room for 100 that have not authenticated', () => {
  const all = connections()
  const sockets = Array.from({ length: 101 }, () => all.accept('192.0.2.1'))
  const last = all.accept(undefined)
  last.setAddress('192.0.2.1')
  last.setAddress('192.0.2.1')
  expect(() => all.accept('192.0.2.1')).toThrow('from one address')
  last.setAddress('192.0.2.2')
  expect(until(ofAddress, () => all.accept('192.0.2.1'))).toBe(1)

  const [first] = sockets
  const ends = [first?.attachSession(), first?.attachSession()]
  expect(until(ofAddress, () => all.accept('192.0.2.1'))).toBe(1)
  ends[0]?.()
  ends[0]?.()
  expect(until(ofAddress, () => all.accept('192.0.2.1'))).toBe(0)
  // The socket existed before, so it stays, one above the limit.
  ends[1]?.()
  first?.close()
  expect(until(ofAddress, () => all.accept('192.0.2.1'))).toBe(0)
  sockets[1]?.close()
  sockets[1]?.close()
  expect(until(ofAddress, () => all.accept('192.0.2.1'))).toBe(1)
})

test('a socket with a session takes no room at a new address, until the session ends', () => {
  const all = connections({ maxConnectionsPerAddress: 1 })
  const socket = all.accept('192.0.2.1')
  const end = socket.attachSession()
  socket.setAddress('192.0.2.2')
  expect(until(ofAddress, () => all.accept('192.0.2.2'))).toBe(101)
  end()
  socket.close()
  expect(until(ofAddress, () => all.accept('192.0.2.2'))).toBe(0)
  expect(until(ofAddress, () => all.accept('192.0.2.1'))).toBe(101)
})

test('a socket counts again when its last session has ended', () => {
  const all = connections({ maxConnectionsPerAddress: 1 })
  const socket = all.accept('192.0.2.1')
  const ends = [socket.attachSession(), socket.attachSession()]
  ends[0]?.()
  ends[0]?.()
  const others = Array.from({ length: 101 }, () => all.accept('192.0.2.1'))
  ends[1]?.()
  // Two beyond the limit now.
  for (const free of [0, 1]) {
    others[free]?.close()
    expect(until(ofAddress, () => all.accept('192.0.2.1'))).toBe(free)
  }
  socket.close()
  expect(until(ofAddress, () => all.accept('192.0.2.1'))).toBe(1)
})

test('sockets beyond those that the process has files for are refused, and counted until they close', () => {
  let refused = 0
  const room = { most: 3, onFull: () => void (refused += 1) }
  const all = new Connections({ maxConnections: 9, maxConnectionsPerAddress: 9, maxConnectionsPerClient: 9 }, room)
  const [first] = [undefined, '192.0.2.1', '192.0.2.2'].map((address) => all.accept(address))
  const full = { code: 'LIMIT_EXCEEDED', limit: 'open files' }
  expect(() => all.accept('192.0.2.3')).toThrow(expect.objectContaining(full))
  first?.attachSession()
  expect(() => all.accept('192.0.2.3')).toThrow(expect.objectContaining(full))
  expect(refused).toBe(2)
  first?.close()
  first?.close()
  all.accept('192.0.2.3')
  expect(() => all.accept('192.0.2.4')).toThrow(expect.objectContaining(full))
})

test('each error has a close reason', () => {
  const reasons = Object.keys(errorTable).map((code) => [code, closeReasonOf({ code: code as ErrorCode })])
  expect(Object.fromEntries(reasons)).toEqual({
    UNAUTHENTICATED: 'INVALID_TOKEN',
    POSITION_TAKEN: 'BAD_REQUEST',
    STATE_UNAVAILABLE: 'TOO_MANY',
    FORBIDDEN: 'FORBIDDEN',
    BAD_USER_INPUT: 'BAD_REQUEST',
    CLIENT_ID_TAKEN: 'BAD_REQUEST',
    CHANNEL_NOT_FOUND: 'BAD_REQUEST',
    SOURCE_CONFLICT: 'BAD_REQUEST',
    BROKER_UNAVAILABLE: 'TOO_MANY',
    REGISTRY_UNAVAILABLE: 'TOO_MANY',
    DRAINING: 'RESTART',
    LIMIT_EXCEEDED: 'TOO_MANY',
    DELIVERY_FAILED: 'INTERNAL_ERROR',
    PAYLOAD_TOO_LARGE: 'BAD_REQUEST',
    INVALID_EVENT: 'BAD_REQUEST',
    PERSISTED_QUERY_NOT_FOUND: 'BAD_REQUEST',
    PERSISTED_QUERY_NOT_SUPPORTED: 'BAD_REQUEST',
    NO_RESPONDER: 'TOO_MANY',
    REQUEST_TIMEOUT: 'TOO_MANY',
  })
  expect(closeReasonOf({ code: 'INTERNAL_SERVER_ERROR' })).toBe('BAD_REQUEST')
  expect(closeReasonOf({ code: 'UNAUTHENTICATED', newToken: 'useless' })).toBe('REVOKED')
  expect(closeReasonOf({ code: 'UNAUTHENTICATED', newToken: 'unneeded' })).toBe('TOO_MANY')
})
