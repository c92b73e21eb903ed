import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import Database from 'libsql'
import { openStateStore } from '../../../src/registries/state/open-state-store.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { stateStoreSuite } from './state-store-suite.ts'

stateStoreSuite('SQLite', async () => {
  const dataDir = newFolder()
  return { open: () => openStateStore({ dataDir }), remove: async () => removeFolder(dataDir) }
})

/** What the first form of the file held: parts were texts, and garbage had a table. */
const firstForm = `
  create table warren_state_migrations (name varchar(255) not null primary key, timestamp varchar(255) not null);
  create table warren_states (
    id text not null primary key, field text not null, part text not null, epoch text not null,
    folded_offset bigint not null, folded_fingerprint bigint not null, built integer not null, is_full integer not null,
    row_count bigint not null, byte_count bigint not null, forgotten_up_to bigint not null, holder text not null,
    held_until bigint not null, fence bigint not null
  );
  create table warren_state_rows (
    part text not null, row_key text not null, row_index text not null, row_offset bigint not null,
    removed integer not null, folded_at bigint not null, row_bytes integer not null, envelope text not null,
    body blob not null, constraint warren_state_rows_by_key primary key (part, row_key)
  );
  create index warren_state_rows_by_offset on warren_state_rows (part, row_offset);
  create index warren_state_rows_by_index on warren_state_rows (part, row_index, row_offset);
  create table warren_state_garbage (part text not null primary key);
  insert into warren_state_migrations values ('0001-states', '2026-11-29T00:00:00.000Z');
  insert into warren_states values ('s', 'orders', 'AbCd', 'eeee', 7, 1, 1, 0, 1, 9, -1, 'one', 100, 4);
  insert into warren_state_rows values ('AbCd', 'a', '', 7, 0, 1, 9, '["orders","",0,1,{}]', x'7b7d');
  insert into warren_state_garbage values ('EfGh');`

test('begins states again that an older form of the file held, with a greater fence', async () => {
  const dataDir = newFolder()
  try {
    const file = new Database(join(dataDir, 'warren-state.db'))
    file.exec(firstForm)
    file.close()
    const store = await openStateStore({ dataDir })
    try {
      const lease = await store.lease({ id: 's', field: 'orders', holder: 'two', now: 200, until: 300 })
      expect(lease).toMatchObject({ fence: 5, head: { epoch: '', place: undefined, built: false } })
      const head = await store.reset('s', 5, 'ffff')
      expect(head).toMatchObject({ epoch: 'ffff', keys: 0, bytes: 0 })
      expect((await store.page({ id: 's', indexes: undefined, after: -1, maxRows: 9 }))?.rows).toEqual([])
      expect(await store.sweep()).toBe(0)
    } finally {
      await store.close()
    }
  } finally {
    removeFolder(dataDir)
  }
})
