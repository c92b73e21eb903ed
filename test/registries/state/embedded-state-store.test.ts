import { expect, test } from '@jest/globals'
import { openSqliteFile } from '../../../src/registries/database/embedded-file.ts'
import { openStateStore } from '../../../src/registries/state/open-state-store.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { stateStoreSuite } from './state-store-suite.ts'

stateStoreSuite('SQLite', async () => {
  const dataDir = newFolder()
  return { open: () => openStateStore({ dataDir }), remove: async () => removeFolder(dataDir) }
})

test('a store that was made before removed keys were counted counts them when it is opened', async () => {
  const dataDir = newFolder()
  const before = await openStateStore({ dataDir })
  const taken = await before.lease({ id: 's', field: 'orders', holder: 'one', now: 1, until: 2 })
  const row = (key: string, offset: number, removed: boolean) => ({
    key,
    index: '',
    removed,
    message: {
      exchange: 'e',
      routingKey: '',
      body: Buffer.from('{}'),
      properties: {},
      redelivered: false,
      receivedAt: 1,
      offset,
      mark: false,
    },
  })
  await before.fold({
    id: 's',
    fence: taken?.fence ?? 0,
    place: { epoch: '0011223344556677', offset: 3, fingerprint: 1, before: false },
    rows: [row('a', 1, false), row('b', 2, true), row('c', 3, true)],
    built: true,
    full: false,
    missingUpTo: -1,
    now: 1,
    until: 2,
  })
  await before.close()
  const { database } = await openSqliteFile(dataDir, 'warren-state.db')
  database.exec(
    "alter table warren_states drop column removed_count; delete from warren_state_migrations where name = '0002-removed-count'",
  )
  database.close()
  const store = await openStateStore({ dataDir })
  expect(await store.head('s')).toMatchObject({ keys: 3, removed: 2 })
  await store.close()
  removeFolder(dataDir)
})
