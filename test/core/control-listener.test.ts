import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { ControlListener, type ControlListenerParts } from '../../src/core/control-listener.ts'
import type { ControlMessage } from '../../src/core/ports/control-bus.ts'

let calls: unknown[]
let failing: Error | undefined
let bus: { onMessage(message: ControlMessage): void; onResync(): void; onUnsigned(): void; onAdopted(): void }
let listener: ControlListener

const note =
  (name: string) =>
  (...args: unknown[]) =>
    void calls.push([name, ...args])
const noteLater = (name: string) => async () => {
  calls.push([name])
  if (failing) throw failing
  return false
}

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'], now: 5_000 })
  calls = []
  failing = undefined
  listener = new ControlListener({
    replica: 'here',
    cluster: { onControl: noteLater('cluster'), onResync: note('cluster resync') },
    sourceSync: {
      onControl: noteLater('sources'),
      resync: noteLater('sources resync'),
      readRegistry: noteLater('sources registry'),
    },
    tracer: { onControl: noteLater('tracer'), onOlderReplica: note('older'), onResync: note('tracer resync') },
    barredTokens: {
      bans: { refresh: note('bans') },
      revocations: { applyRemote: note('revoked') },
      refresh: note('barred'),
    },
    positions: { onControl: note('positions'), onResync: note('positions resync') },
    sessions: { endChannel: note('end') },
    logError: note('error'),
  } as unknown as ControlListenerParts)
  listener.listen(
    {
      listen: (onMessage, onResync, onUnsigned = () => {}) => {
        bus = { onMessage, onResync, onUnsigned, onAdopted: () => {} }
      },
    },
    {
      onAdopted: (onAdopted) => {
        bus.onAdopted = onAdopted
      },
    },
  )
})
afterEach(() => {
  listener.close()
  jest.useRealTimers()
})

const names = () => calls.splice(0).map((call) => (call as unknown[])[0])
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('a control message', () => {
  const at = '1970-01-01T00:00:03.000Z'

  test.each<[what: string, message: object, expected: unknown[]]>([
    ['about sources', { kind: 'sources-wanted', replica: 'there' }, [['sources']]],
    ['about sources of an older replica', { kind: 'sources-wanted' }, [['older'], ['sources']]],
    ['of a deletion', { kind: 'client-deleted', clientId: 'a', by: 'there', at }, [['end', 'a', 3_000], ['bans']]],
    ['of a deletion without a time', { kind: 'client-deleted', clientId: 'a' }, [['end', 'a', 5_000], ['bans']]],
    ['of a deletion by this replica', { kind: 'client-deleted', clientId: 'a', by: 'here', at }, [['bans']]],
    ['of a ban', { kind: 'client-barred', clientId: 'a' }, [['bans']]],
    [
      'of a revocation',
      { kind: 'client-revoked', clientId: 'a', at },
      [['revoked', { clientId: 'a', at: new Date(at) }]],
    ],
    ['about a trace', { kind: 'trace-wanted', question: 'q', messageId: 'm' }, [['tracer']]],
    ['about anything else', { kind: 'asked', question: 'q', topic: 't', args: null }, [['cluster']]],
  ])('%s is passed to its part', (_what, message, expected) => {
    bus.onMessage(message as ControlMessage)
    expect(calls).toEqual(expected)
  })

  test('about a position is passed on as it is', () => {
    const message = { kind: 'position-deleted', clientId: 'a', name: 'p' } as const
    bus.onMessage(message)
    expect(calls).toEqual([['positions', message]])
  })

  test('that cannot be handled is logged', async () => {
    failing = new Error('away')
    bus.onMessage({ kind: 'sources-wanted', replica: 'there' })
    await settled()
    expect(calls).toEqual([['sources'], ['error', 'handling a control message', failing]])
  })

  test('that is not signed makes the registry be read, once a second at most', async () => {
    for (let count = 0; count < 3; count += 1) bus.onUnsigned()
    expect(names()).toEqual(['barred', 'sources registry'])
    jest.advanceTimersByTime(1_000)
    expect(names()).toEqual(['barred', 'sources registry'])
    bus.onUnsigned()
    listener.close()
    jest.advanceTimersByTime(5_000)
    expect(names()).toEqual([])
  })
})

describe('what was perhaps missed', () => {
  test.each(['onResync', 'onAdopted'] as const)('is asked for again after %s', async (event) => {
    failing = new Error('away')
    bus[event]()
    await settled()
    expect(names()).toEqual([
      'cluster resync',
      'tracer resync',
      'positions resync',
      'barred',
      'sources resync',
      'error',
    ])
  })
})
