import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { checkDatabase } from '../../src/registries/database/check-database.ts'
import { openPostgresRegistry } from '../../src/registries/postgres-registry.ts'
import { eventually } from '../support/eventually.ts'
import { openGateway } from '../support/gateway/gateway-in-process.ts'
import { freePort } from '../support/network/ports.ts'
import { Postgres } from '../support/processes/postgres.ts'

let postgres: Postgres
beforeAll(async () => {
  postgres = await Postgres.start()
})
afterAll(() => postgres?.close())

/** Applies to new sessions; existing ones are ended. */
async function setReadOnly(url: string, how: 'on' | 'off'): Promise<void> {
  const name = new URL(url).pathname.slice(1)
  await postgres.query(`alter database ${name} set default_transaction_read_only = ${how}`)
  await postgres.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`,
  )
}

const doctor = async (url: string) => (await checkDatabase(url, '')).findings[0]

test('the probe and the doctor report a read-only database, and a missing table', async () => {
  const url = await postgres.newDatabase()
  const registry = await openPostgresRegistry(url)
  await registry.check()
  expect(await doctor(url)).toMatchObject({ status: 'ok' })

  await setReadOnly(url, 'on')
  // The first check may use a connection that has just been ended.
  await registry.check().catch(() => undefined)
  await expect(registry.check()).rejects.toThrow(/^the registry cannot be written: .*read-only/)
  expect(await doctor(url)).toMatchObject({ status: 'fail', text: expect.stringContaining('is read-only') })
  await setReadOnly(url, 'off')

  for (const table of ['warren_clients', 'warren_sources', 'warren_revocations']) {
    await postgres.query(`alter table ${table} rename to elsewhere`, url)
    await registry.check().catch(() => undefined)
    await expect(registry.check()).rejects.toThrow(`relation "${table}" does not exist`)
    expect(await doctor(url)).toMatchObject({ status: 'fail', text: expect.stringContaining(`has lost ${table}`) })
    await postgres.query(`alter table elsewhere rename to ${table}`, url)
  }
  await registry.check()
  await registry.close()
})

test('/readyz reports the same', async () => {
  const url = await postgres.newDatabase()
  const opsPort = await freePort()
  await using gateway = await openGateway({ WARREN_DATABASE_URL: url, WARREN_OPS_PORT: String(opsPort) })
  const ready = async () => {
    const response = await fetch(`http://127.0.0.1:${opsPort}/readyz`)
    return { status: response.status, text: await response.text() }
  }
  await eventually('the gateway to be ready', async () => gateway.gateway.up && (await ready()).status === 200)
  await setReadOnly(url, 'on')
  const unready = await eventually('/readyz to name the reason', async () => {
    const { status, text } = await ready()
    return status === 503 && text.includes('read-only') ? text : undefined
  })
  expect(unready).toContain('registry: the registry cannot be written')
})
