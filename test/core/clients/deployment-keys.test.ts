import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { type DeploymentKey, DeploymentKeys, derivedKey, newKey } from '../../../src/core/clients/deployment-keys.ts'
import { reportRegisteredClients } from '../../../src/core/clients/registered-clients.ts'
import type { Source } from '../../../src/core/model/source.ts'
import { MemoryRegistry } from '../memory-registry.ts'

const now = Date.UTC(2026, 0, 1)
const at = (ms: number) => new Date(now + ms)

beforeEach(() => void jest.useFakeTimers({ now }))
afterEach(() => void jest.useRealTimers())

function key(id: string, adoptedMs: number, createdMs = 0): DeploymentKey {
  return { id, secret: Buffer.from(id), createdAt: at(createdMs), adoptedAt: at(adoptedMs), newCursorsFrom: at(0) }
}

describe('the keys of a deployment', () => {
  test('are made once, and read by later replicas', async () => {
    const registry = new MemoryRegistry()
    const keys = await DeploymentKeys.open(registry)
    const made = registry.keys.get('deployment')
    expect(keys.current).toEqual(made)
    expect(made).toMatchObject({ createdAt: at(0), adoptedAt: at(0), newCursorsFrom: at(0) })
    expect([made?.secret.length, newKey({ isUpdate: false }).secret.equals(made?.secret ?? Buffer.alloc(0))]).toEqual([
      32,
      false,
    ])
    const again = await DeploymentKeys.open(registry)
    expect([again.current, registry.keys.size]).toEqual([made, 1])
    expect(registry.calls.filter(([name]) => name === 'addKey')).toHaveLength(1)
  })

  test('print old cursors for ten minutes if the registry is of a release without keys', async () => {
    const registry = new MemoryRegistry()
    registry.sources.set('s', {} as Source)
    const keys = await DeploymentKeys.open(registry)
    expect(keys.current.newCursorsFrom).toEqual(at(10 * 60_000))
  })

  test('the one adopted last signs; of two at once, the one with the lower id', () => {
    const keys = new DeploymentKeys([key('b', 1), key('c', 5), key('a', 1)])
    expect(keys.all.map(({ id }) => id)).toEqual(['c', 'a', 'b'])
    expect(new DeploymentKeys([key('a', 1), key('b', 1)]).current.id).toBe('a')
    expect(keys.current.id).toBe('c')
    expect(new DeploymentKeys([key('a', 1, 500), key('b', 9, 200)]).since).toEqual(at(200))
    expect(() => new DeploymentKeys([]).current).toThrow('the registry has no key')
  })

  test('another one is adopted at once, and stored; its listeners are called', async () => {
    const registry = new MemoryRegistry()
    registry.keys.set('deployment', key('deployment', 0))
    const keys = await DeploymentKeys.open(registry)
    let calls = 0
    keys.onAdopted(() => (calls += 1))
    await keys.adopt(key('deployment', 0))
    expect(calls).toBe(0)

    const other = key('other', 0)
    registry.failing = new Error('away')
    await expect(keys.adopt(other)).rejects.toThrow('away')
    expect([keys.current.secret, calls, keys.all.length]).toEqual([other.secret, 1, 2])
    expect(keys.current.id).toMatch(/^[0-9a-f]{32}$/)

    registry.failing = undefined
    jest.setSystemTime(at(50))
    await keys.adopt(key('deployment', 0))
    expect(keys.all.map(({ secret }) => secret.toString())).toEqual(['deployment', 'other'])
    expect([keys.current.id, registry.keys.get('deployment')?.adoptedAt]).toEqual(['deployment', at(50)])
  })

  test('are derived for one purpose each', () => {
    const one = derivedKey(key('a', 0), 'cursors', 16)
    expect(one).toHaveLength(16)
    expect(derivedKey(key('a', 0), 'cursors', 16)).toEqual(one)
    expect(derivedKey(key('a', 0), 'control', 16)).not.toEqual(one)
    expect(derivedKey(key('b', 0), 'cursors', 16)).not.toEqual(one)
  })
})

describe('at the start, the log contains', () => {
  async function logged(ids: readonly string[], mode: 'open' | 'off', prefix?: string, hasProvider = true) {
    const lines: unknown[] = []
    const registry = new MemoryRegistry()
    for (const id of ids) registry.clients.set(id, {} as never)
    const log = (level: string, _text: string, details?: Record<string, unknown>) => lines.push([level, details])
    await reportRegisteredClients({ mode, prefix }, { registry, log, hasProvider })
    return lines
  }
  const ids = (count: number) => Array.from({ length: count }, (_, number) => `id-${1000 + number}`)

  test('how many clients can no longer log in', async () => {
    expect(await logged(['a', 'b'], 'off')).toEqual([['warn', { clients: 2 }]])
    expect(await logged([], 'off')).toEqual([['info', { clients: 0 }]])
    expect(await logged(['a'], 'open')).toEqual([])
  })

  test('which ids an identity provider may issue, too', async () => {
    expect(await logged(['x-1', 'b', 'a'], 'open', 'x-')).toEqual([['warn', { clients: 2, ids: ['a', 'b'] }]])
    expect(await logged(['x-1'], 'open', 'x-')).toEqual([])
    expect(await logged(['a'], 'open', 'x-', false)).toEqual([])
    expect(await logged(ids(50), 'open', 'x-')).toEqual([['warn', { clients: 50, ids: ids(50) }]])
    const many = await logged(ids(1_001), 'open', 'x-')
    expect([many.length, many.at(-1)]).toEqual([20, ['warn', { clients: 1_001, ids: ids(1_000).slice(-50) }]])
  })
})
