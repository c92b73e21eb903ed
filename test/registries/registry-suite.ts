import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { DeploymentKeys } from '../../src/core/clients/deployment-keys.ts'
import { type Source, type SourceDefinition, sourceId } from '../../src/core/model/source.ts'
import type { ClientDirectory, PresenceStore } from '../../src/core/ports/client-directory.ts'
import type { Client, ClientRegistry } from '../../src/core/ports/client-registry.ts'
import type { PositionStore } from '../../src/core/positions/position-store.ts'

export function newClient(clientId: string, given: Partial<Client> = {}): Client {
  return {
    clientId,
    name: 'Alice',
    email: 'alice@example.org',
    passwordHash: '$argon2id$…',
    createdAt: new Date('2024-05-06T07:08:09.123Z'),
    ...given,
  }
}

export function newSource(
  given: Partial<SourceDefinition> & { createdAt?: Date; ownsExchange?: boolean } = {},
): Source {
  const { createdAt = new Date('2024-05-06T07:08:09.123Z'), ownsExchange = false, ...rest } = given
  const definition = {
    exchange: 'orders',
    exchangeType: 'TOPIC',
    routingKey: 'orders.{clientId}.#',
    clientId: undefined,
    ...rest,
  } as const
  return { ...definition, id: sourceId(definition), createdAt, ownsExchange }
}

type Registry = ClientRegistry & ClientDirectory & PresenceStore & { readonly positions: PositionStore }

/** An empty place for a registry that can be opened several times. */
export interface Place {
  open(): Promise<Registry>
  remove(): Promise<void>
}

/** The contract of every registry, on any database. */
export function registrySuite(name: string, newPlace: () => Promise<Place>): void {
  describe(`the registry on ${name}`, () => {
    let place: Place
    let opened: Registry[]
    const open = async (): Promise<Registry> => {
      const registry = await place.open()
      opened.push(registry)
      return registry
    }

    beforeEach(async () => {
      opened = []
      place = await newPlace()
    })
    afterEach(async () => {
      await Promise.all(opened.map((registry) => registry.close()))
      await place.remove()
    })

    test('finds clients by a part of their ids, in pages, whatever characters the part has', async () => {
      const registry = await open()
      for (const id of ['team-a', 'Team-b', 'team%c', 'team_d', 'other', 'Ünit'])
        await registry.addClient(newClient(id))
      const found = async (containing: string) => (await registry.findClientIds({ containing, first: 10 })).sort()
      expect(await found('TEAM')).toEqual(['Team-b', 'team%c', 'team-a', 'team_d'])
      expect(await found('%')).toEqual(['team%c'])
      expect(await found('m_')).toEqual(['team_d'])
      expect(await found('\\')).toEqual([])
      expect(await found('Ünit')).toEqual(['Ünit'])
      const first = await registry.findClientIds({ containing: '', first: 4 })
      const second = await registry.findClientIds({ containing: '', first: 4, behind: first.at(-1) })
      expect([...first, ...second].sort()).toEqual(await found(''))
      expect([first.length, second.length]).toEqual([4, 2])
    })

    test('lists clients in pages, in the order of the bytes of their ids', async () => {
      const registry = await open()
      const ids = ['b', 'B', 'a.1', 'a-1', 'é', '🦔', '\uFF5E', 'team%c']
      for (const id of ids) await registry.addClient(newClient(id))
      const sorted = ids.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
      const found: string[] = []
      for (let behind = ''; found.length < ids.length; behind = found.at(-1) ?? '') {
        const page = await registry.findClients({ containing: '', behind, first: 3 })
        expect(page.length).toBeGreaterThan(0)
        found.push(...page.map(({ clientId }) => clientId))
      }
      expect(found).toEqual(sorted)
      expect(await registry.findClients({ containing: 'A', first: 10 })).toHaveLength(3)
      expect(await registry.findClientsById(['b', 'none'])).toEqual([newClient('b')])
    })

    test('keeps who was online, and when clients were seen last', async () => {
      const registry = await open()
      const seenAt = new Date('2026-11-29T01:02:03.004Z')
      await registry.savePresence([
        { clientId: 'alice', online: true, seenAt },
        { clientId: 'bob', online: true, seenAt },
      ])
      const left = { clientId: 'bob', online: false, seenAt: new Date(seenAt.getTime() + 1_000) }
      await registry.savePresence([left])
      expect(await registry.findPresence(['bob', 'none'])).toEqual([left])
      expect(await registry.listOnline()).toEqual([{ clientId: 'alice', online: true, seenAt }])
    })

    test('returns a client as it was added, to the millisecond and in any script', async () => {
      const registry = await open()
      const client = newClient('ålice.42/ж', { name: "Ǻ'; drop table warren_clients; --", email: '"a b"@пример.рф' })
      expect(await registry.addClient(client)).toEqual({ client, created: true })
      expect(await registry.findClient('ålice.42/ж')).toEqual(client)
    })

    test('keeps the first client of an id, and reports that to the second caller', async () => {
      const registry = await open()
      const first = newClient('alice')
      await registry.addClient(first)
      const second = newClient('alice', { name: 'Mallory', passwordHash: 'another', createdAt: new Date() })
      expect(await registry.addClient(second)).toEqual({ client: first, created: false })
    })

    test('treats ids that differ only in case as different clients', async () => {
      const registry = await open()
      await registry.addClient(newClient('alice'))
      expect(await registry.addClient(newClient('Alice'))).toMatchObject({ created: true })
    })

    test('creates one client from many calls at once for one id, on two replicas', async () => {
      const replicas = [await open(), await open()]
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, n) =>
          replicas[n % 2]!.addClient(newClient('alice', { passwordHash: `hash ${n}` })),
        ),
      )
      expect(answers.filter(({ created }) => created)).toHaveLength(1)
      expect(new Set(answers.map(({ client }) => client.passwordHash)).size).toBe(1)
    })

    test('returns undefined, not an error, for a missing client', async () => {
      expect(await (await open()).findClient('unknown')).toBeUndefined()
    })

    test('reports whether it removed a client', async () => {
      const registry = await open()
      await registry.addClient(newClient('alice'))
      expect(await registry.removeClient('alice')).toBe(true)
      expect(await registry.removeClient('alice')).toBe(false)
      expect(await registry.findClient('alice')).toBeUndefined()
    })

    test('returns sources of every kind as they were added, oldest first', async () => {
      const registry = await open()
      const at = (ms: number) => new Date(Date.UTC(2024, 0, 1) + ms)
      const sources = [
        newSource({ createdAt: at(0), ownsExchange: true }),
        newSource({ createdAt: at(1), routingKey: '#', clientId: { header: 'client-id' } }),
        newSource({ createdAt: at(2), exchangeType: 'HEADERS', routingKey: '#', clientId: { bodyPointer: '/a~1b/ж' } }),
        newSource({ createdAt: at(10), exchangeType: 'DIRECT', routingKey: 'k', clientId: { fixed: 'alice' } }),
        newSource({ createdAt: at(1_000), exchangeType: 'FANOUT', routingKey: '#', clientId: { everyone: true } }),
      ]
      for (const source of sources.toReversed()) {
        expect(await registry.addSource(source)).toEqual({ source, created: true })
      }
      expect(await registry.listSources()).toEqual(sources)
    })

    test('keeps the first of equal sources, and returns it once on removal', async () => {
      const registry = await open()
      const source = newSource()
      await registry.addSource(source)
      const again = newSource({ createdAt: new Date(), ownsExchange: true })
      expect(await registry.addSource(again)).toEqual({ source, created: false })
      const later = { ...source, createdAt: new Date(source.createdAt.getTime() + 1_000) }
      expect(await registry.renewSource({ ...later, ownsExchange: !source.ownsExchange })).toEqual(later)
      expect(await registry.renewSource(source)).toEqual(later)
      expect(await registry.removeSource(source.id, source.createdAt)).toBeUndefined()
      expect(await registry.removeSource(source.id)).toEqual(later)
      expect(await registry.renewSource(source)).toEqual(source)
      expect(await registry.removeSource(source.id, new Date(source.createdAt.getTime() - 1))).toBeUndefined()
      expect(await registry.removeSource(source.id, source.createdAt)).toEqual(source)
      expect(await registry.removeSource(source.id)).toBeUndefined()
    })

    test('keeps the latest revocation of a client, known or not, and lists those since a given time', async () => {
      const registry = await open()
      const at = (second: number) => new Date(Date.UTC(2024, 0, 1, 0, 0, second, 7))
      await registry.addRevocation({ clientId: 'alice', at: at(5) })
      await registry.addRevocation({ clientId: 'bob', at: at(6) })
      await registry.addRevocation({ clientId: 'alice', at: at(3) })
      expect(await registry.listRevocations()).toEqual([
        { clientId: 'alice', at: at(5) },
        { clientId: 'bob', at: at(6) },
      ])
      await registry.addRevocation({ clientId: 'alice', at: at(9) })
      expect(await registry.listRevocations(at(6))).toEqual([{ clientId: 'alice', at: at(9) }])
    })

    test('creates one key for the deployment if replicas start at once, and keeps it', async () => {
      const replicas = [await open(), await open()]
      const keys = await Promise.all(Array.from({ length: 20 }, (_, n) => DeploymentKeys.open(replicas[n % 2]!)))
      expect(new Set(keys.map(({ current }) => current.secret.toString('hex'))).size).toBe(1)
      expect(keys[0]?.current.secret).toHaveLength(32)
      const before = keys[0]!.all
      const again = await DeploymentKeys.open(await open())
      expect(again.all).toEqual([{ ...before[0], adoptedAt: again.current.adoptedAt }])
      expect(again.current.newCursorsFrom).toEqual(again.since)
    })

    test('gives a deployment of the last release a period in which its replicas can read all cursors', async () => {
      const registry = await open()
      await registry.addSource(newSource())
      const { current } = await DeploymentKeys.open(registry)
      expect(current.newCursorsFrom.getTime() - current.createdAt.getTime()).toBe(600_000)
    })

    test('keeps a key that it takes from another registry, signs with it, and accepts its own', async () => {
      const registry = await open()
      const keys = await DeploymentKeys.open(registry)
      const own = keys.current
      const other = { secret: Buffer.alloc(32, 7), createdAt: new Date(0), newCursorsFrom: new Date(0) }
      await keys.adopt(other)
      await keys.adopt(other)
      const again = await DeploymentKeys.open(registry)
      expect(again.all).toHaveLength(2)
      expect(again.current).toMatchObject(other)
      expect(again.all[1]?.secret).toEqual(own.secret)
      expect(again.since).toEqual(new Date(0))
    })

    test('changes only the given fields of a ban, and lists those changed since a given time', async () => {
      const registry = await open()
      expect(await registry.findClientBar('alice')).toBeUndefined()
      const deletedAt = new Date('2024-05-06T07:08:09.123Z')
      const origin = { epoch: '0123456789abcdef', offset: 7, fingerprint: 4_000_000_000, before: false }
      const first = await registry.changeClientBar('alice', { deletedAt, origin })
      expect(first).toMatchObject({ clientId: 'alice', loginLocked: false, banned: false, deletedAt, origin })
      const second = await registry.changeClientBar('alice', { banned: true })
      expect(second).toEqual({ ...first, banned: true, changedAt: second.changedAt })
      expect(second.changedAt.getTime()).toBeGreaterThan(first.changedAt.getTime())
      const bob = await registry.changeClientBar('bob', { loginLocked: true })
      expect(await registry.findClientBar('bob')).toEqual(bob)
      expect((await registry.listClientBars()).map(({ clientId }) => clientId).sort()).toEqual(['alice', 'bob'])
      expect(await registry.listClientBars(first.changedAt)).toContainEqual(second)
      expect(await registry.listClientBars(new Date(Math.max(+second.changedAt, +bob.changedAt)))).toEqual([])
    })

    test('counts clients, and those with ids that do not begin with a text, letter by letter', async () => {
      const registry = await open()
      for (const id of ['x-a', 'x-b', 'X-c', 'é%d', 'é_e', 'x']) await registry.addClient(newClient(id))
      expect(await registry.countClients()).toBe(6)
      expect(await registry.countClients({ without: 'x-' })).toBe(4)
      expect(await registry.countClients({ without: 'é_' })).toBe(5)
      const found = await registry.findClientIds({ containing: '', without: 'é%', first: 10 })
      expect(found.sort()).toEqual(['X-c', 'x', 'x-a', 'x-b', 'é_e'])
    })

    test('holds after a reopen what it held before', async () => {
      const before = await place.open()
      await before.addClient(newClient('alice'))
      await before.addSource(newSource())
      await before.close()
      const registry = await open()
      expect(await registry.findClient('alice')).toEqual(newClient('alice'))
      expect(await registry.listSources()).toEqual([newSource()])
    })

    test('is migrated once if replicas open it at the same moment, and each of them serves', async () => {
      const replicas = await Promise.all(Array.from({ length: 4 }, open))
      for (const [n, replica] of replicas.entries()) await replica.addClient(newClient(`client-${n}`))
      for (const replica of replicas) expect(await replica.findClient('client-0')).toBeDefined()
    })
  })
}
