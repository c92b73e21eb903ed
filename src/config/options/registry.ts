import { postgres } from '../kinds/addresses.ts'
import { directory } from '../kinds/words.ts'
import { option, optional } from './option.ts'

/** Where the registry of clients and sources is. */
export const registryOptions = {
  dataDir: option(directory, {
    default: './data',
    group: 'Registry',
    help: 'Directory of the embedded registry and of the generated secret.',
  }),
  databaseUrl: optional(postgres, {
    unset: 'embedded, in WARREN_DATA_DIR',
    group: 'Registry',
    help: 'Keeps the registry of clients and sources in this PostgreSQL database, so that several replicas share it.',
    secret: true,
    file: true,
  }),
} as const
