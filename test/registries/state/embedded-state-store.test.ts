import { openStateStore } from '../../../src/registries/state/open-state-store.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { stateStoreSuite } from './state-store-suite.ts'

stateStoreSuite('SQLite', async () => {
  const dataDir = newFolder()
  return { open: () => openStateStore({ dataDir }), remove: async () => removeFolder(dataDir) }
})
