import type { Config } from '../config/options/options.ts'
import { type Reload, reload } from '../config/reload.ts'
import type { Observer } from '../core/ports/observer.ts'
import type { Logger } from '../observability/logger.ts'

/** The current options. */
type Live = { -readonly [Name in keyof Config]: Config[Name] }

interface Reloaded {
  readonly observer: Observer
  readonly logger: Pick<Logger, 'setLevel'>
  readonly http: { setMaxConnections(max: number): void }
  /** Called with the configuration that was read, and what of it applies. */
  readonly onReload: (next: Config, reloaded: Reload) => void
  /** Reads the files of `WARREN_SCHEMA` again. Undefined without that option. */
  readonly reloadSchema: (() => Promise<void>) | undefined
  /** Applies the file of `WARREN_SOURCES` again. Undefined without that option. Never rejects. */
  readonly reloadSources?: (() => Promise<void>) | undefined
}

/** Returns `App.reload`. It changes `live`, which the core and the transports read on each use. */
export function reloader(
  live: Live,
  { observer, logger, http, onReload, reloadSchema, reloadSources }: Reloaded,
): (read: () => Config) => void {
  return (read) => {
    try {
      const next = read()
      const reloaded = reload(live, next)
      const { changed, needsRestart } = reloaded
      Object.assign(live, reloaded.config)
      onReload(next, reloaded)
      logger.setLevel(live.logLevel)
      http.setMaxConnections(live.maxConnections)
      observer.log('info', 'the options were read again', { changed, needsRestart })
      void reloadSchema?.()
      void reloadSources?.()
    } catch (error) {
      observer.log('error', 'the options could not be read again, and stay as they are', { error })
    }
  }
}
