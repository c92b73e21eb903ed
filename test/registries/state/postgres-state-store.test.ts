import { afterAll, beforeAll } from '@jest/globals'
import { openStateStore } from '../../../src/registries/state/open-state-store.ts'
import { Postgres } from '../../support/processes/postgres.ts'
import { stateStoreSuite } from './state-store-suite.ts'

let postgres: Postgres

beforeAll(async () => {
  postgres = await Postgres.start()
})
afterAll(() => postgres?.close())

stateStoreSuite('PostgreSQL', async () => {
  const databaseUrl = await postgres.newDatabase()
  return { open: () => openStateStore({ databaseUrl, dataDir: 'never-made' }), remove: () => Promise.resolve() }
})
