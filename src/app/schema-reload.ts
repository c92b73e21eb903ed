import { watch } from 'node:fs'
import { dirname, extname } from 'node:path'
import type { Config } from '../config/options/options.ts'
import type { Gateway } from '../core/gateway.ts'
import { errorText } from '../core/model/error-text.ts'
import type { Observer } from '../core/ports/observer.ts'
import type { ServedSchema } from '../events/serving/served-schema.ts'
import type { Closing } from './closing.ts'
import type { TypedEvents } from './event-schema.ts'

/** Editors write a file in several steps, in milliseconds. */
const settleMs = 200

interface ReloadParts {
  readonly typed: TypedEvents
  readonly served: ServedSchema
  readonly gateway: Gateway
  readonly observer: Observer
  /**
   * Read at each use: `drainMs` is the time over which connections are closed that cannot continue.
   */
  readonly live: Pick<Config, 'drainMs'>
}

/**
 * Returns a function that reads `WARREN_SCHEMA` again and serves it. If a file is broken, nothing
 * changes and the log has the mistakes. One reload runs at a time.
 */
export function schemaReloader({ typed, served, gateway, observer, live }: ReloadParts): () => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  const reload = async (): Promise<void> => {
    try {
      const next = await typed.read()
      if (!next.changed) {
        typed.reader.onUnchanged(next.files)
        observer.log('info', 'the schema was read again and has not changed')
        return
      }
      served.replace(next.served)
      next.take()
      observer.log('info', 'the schema was read again', { breakingChanges: next.breakingChanges })
      await gateway.reloadEvents(next.sources, live.drainMs)
    } catch (error) {
      typed.reader.onRefused(errorText(error))
      observer.log('error', `the schema stays as it is: ${errorText(error)}`)
    }
  }
  return () => (last = last.then(reload))
}

/** Calls `reload` when a file of the schema changes (`WARREN_SCHEMA_WATCH`). */
export function watchSchema(
  paths: readonly string[],
  reload: () => Promise<void>,
  { observer, closing }: { observer: Observer; closing: Closing },
): void {
  let timer: NodeJS.Timeout | undefined
  const changed = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => void reload(), settleMs)
  }
  closing.add(() => clearTimeout(timer))
  for (const path of new Set(paths.map(watchedPart))) {
    try {
      const watcher = watch(path, changed)
      watcher.on('error', (error) => observer.log('warn', `"${path}" is not watched any more: ${errorText(error)}`))
      closing.add(() => watcher.close())
    } catch (error) {
      observer.log('warn', `WARREN_SCHEMA_WATCH: "${path}" cannot be watched: ${errorText(error)}`)
    }
  }
}

/**
 * The folder to watch: of a pattern, the one before its first special character; of a file, the one
 * that holds it, because editors replace files.
 */
function watchedPart(path: string): string {
  const special = path.search(/[*?{[]/)
  if (special < 0) return extname(path) === '' ? path : dirname(path)
  const folder = path.slice(0, path.lastIndexOf('/', special))
  return folder === '' ? '.' : folder
}
