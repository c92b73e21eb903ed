import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { openRegistry } from '../../src/registries/open-registry.ts'
import { openPostgresRegistry } from '../../src/registries/postgres-registry.ts'
import { Postgres } from '../support/processes/postgres.ts'
import { positionSuite } from './position-suite.ts'
import { newClient, registrySuite } from './registry-suite.ts'

const dataDir = 'never-made'
let postgres: Postgres

beforeAll(async () => {
  postgres = await Postgres.start()
})
afterAll(() => postgres?.close())

const newPlace = async () => {
  const databaseUrl = await postgres.newDatabase()
  return { open: () => openRegistry({ databaseUrl, dataDir }), remove: () => Promise.resolve() }
}
registrySuite('PostgreSQL', newPlace)
positionSuite('PostgreSQL', newPlace)

describe('the PostgreSQL registry', () => {
  test('records each migration once, in tables of its own', async () => {
    const databaseUrl = await postgres.newDatabase()
    await postgres.query('create table kysely_migration (name text)', databaseUrl)
    const replicas = await Promise.all(Array.from({ length: 6 }, () => openRegistry({ databaseUrl, dataDir })))
    const rows = await postgres.query('select name from warren_migrations', databaseUrl)
    expect(rows).toEqual([{ name: '0001-clients-and-sources' }, { name: '0002-revocations' }])
    // The previous release starts only if it knows every name in its table, so later migrations are
    // recorded in another table.
    const later = () => postgres.query('select name from warren_additions', databaseUrl)
    expect(await later()).toEqual([
      { name: '0003-keys' },
      { name: '0004-client-bars' },
      { name: '0005-presence' },
      { name: '0007-positions' },
      { name: '0008-position-replicas' },
    ])
    await postgres.query("insert into warren_additions values ('0000-of-a-later-release', 'now')", databaseUrl)
    replicas.push(await openRegistry({ databaseUrl, dataDir }))
    expect(await later()).toHaveLength(6)
    await Promise.all(replicas.map((replica) => replica.close()))
  })

  test('separates two deployments that share a database in schemas of their own', async () => {
    const databaseUrl = await postgres.newDatabase()
    await postgres.query('create schema red; create schema blue', databaseUrl)
    const inSchema = (name: string) =>
      openRegistry({ databaseUrl: `${databaseUrl}?options=-c%20search_path%3D${name}`, dataDir })
    const [red, blue] = [await inSchema('red'), await inSchema('blue')]
    await red.addClient(newClient('alice'))
    expect(await blue.findClient('alice')).toBeUndefined()
    await red.close()
    await blue.close()
  })

  test('survives a crash and restart of the server', async () => {
    const registry = await openRegistry({ databaseUrl: await postgres.newDatabase(), dataDir })
    await Promise.all(Array.from({ length: 20 }, (_, n) => registry.addClient(newClient(`client-${n}`))))
    await postgres.crash()
    await expect(registry.findClient('client-0')).rejects.toThrow(/^the registry did not answer: /)
    await postgres.start()
    expect(await registry.findClient('client-0')).toBeDefined()
    await registry.close()
  })

  test('survives connections that are ended in the middle of a statement', async () => {
    const databaseUrl = await postgres.newDatabase()
    const registry = await openRegistry({ databaseUrl, dataDir })
    const locked = postgres.query(
      `begin;
       lock table warren_clients in access exclusive mode;
       do $$ begin
         loop
           perform pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and application_name = 'warren' and wait_event_type = 'Lock';
           exit when found;
           perform pg_stat_clear_snapshot();
         end loop;
       end $$;
       commit`,
      databaseUrl,
    )
    // Cuts the first statement after the lock; earlier ones found no connection to cut.
    const cut = (async () => {
      for (;;) await registry.findClient('alice')
    })()
    await expect(cut).rejects.toMatchObject({ name: 'RegistryError', code: '57P01' })
    await locked
    expect(await registry.findClient('alice')).toBeUndefined()
    await registry.close()
  })

  test('gives up on a server that vanished without a word, and then takes another connection', async () => {
    const vanished = new Set<Socket>()
    const sockets = new Set<Socket>()
    const proxy = createServer((socket) => {
      const server = connect(postgres.port, '127.0.0.1')
      for (const one of [socket, server]) one.on('error', () => one.destroy())
      socket.pipe(server).pipe(socket)
      sockets.add(socket)
      socket.on('close', () => server.destroy())
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const address = proxy.address()
    const url = new URL(await postgres.newDatabase())
    url.port = String(typeof address === 'object' ? address?.port : '')
    const registry = await openPostgresRegistry(url.href, { answerMs: 1_000 })
    await registry.addClient(newClient('alice'))
    for (const socket of sockets) {
      socket.unpipe()
      socket.pause()
      vanished.add(socket)
    }
    expect(vanished.size).toBeGreaterThan(0)
    await expect(registry.findClient('alice')).rejects.toThrow('the registry did not answer: Query read timeout')
    expect(await registry.findClient('alice')).toBeDefined()
    await registry.close()
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })

  test('names the unreachable address, and never the password', async () => {
    const errorOf = async (databaseUrl: string) => {
      const error: unknown = await openRegistry({ databaseUrl, dataDir }).catch((thrown: unknown) => thrown)
      expect(inspect(error, { showHidden: true })).not.toContain('hunter2')
      return String(error)
    }
    expect(await errorOf('postgres://warren:hunter2@127.0.0.1:1/db')).toContain(
      'the registry on PostgreSQL at 127.0.0.1:1/db cannot be opened: connect ECONNREFUSED',
    )
    expect(await errorOf('mysql://warren:hunter2@127.0.0.1/db')).toContain('expected postgres://user:password@host')
    expect(await errorOf('postgres://warren:hunter2@[127.0.0.1/db')).toContain('expected postgres://user:password@host')
  })

  test('puts no row into an error', async () => {
    const databaseUrl = await postgres.newDatabase()
    const registry = await openRegistry({ databaseUrl, dataDir })
    await postgres.query("alter table warren_clients add check (name <> 'Alice')", databaseUrl)
    const error: unknown = await registry.addClient(newClient('alice')).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'RegistryError', code: '23514' })
    expect(inspect(error, { showHidden: true })).not.toContain('alice@example.org')
    await registry.close()
  })
})
