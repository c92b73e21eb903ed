import { MemoryStates } from '../../core/memory-states.ts'
import { stateStoreSuite } from './state-store-suite.ts'

stateStoreSuite('memory', async () => {
  const states = new MemoryStates()
  return { open: async () => states, remove: async () => {} }
})
