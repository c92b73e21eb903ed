import type { Gateway } from '../../core/gateway.ts'
import { errorText } from '../../core/model/error-text.ts'
import { defaultRoutingKey, type Source } from '../../core/model/source.ts'
import type { Observer } from '../../core/ports/observer.ts'
import { defaultExchangeOf, servedForm } from '../../core/sources/default-source.ts'
import { pause } from '../../core/timing/pause.ts'
import { GatewayError } from '../../errors.ts'
import { describeDefinition, diffOf, readSourcesFile, type SourcesFile } from './sources-file.ts'

/** The pause while the broker is away, in milliseconds. */
const retryMs = 2_000

interface ApplyParts {
  readonly gateway: Gateway
  readonly observer: Observer
  readonly namespace: string
  readonly signal: AbortSignal
}

/** The file of `WARREN_SOURCES`. */
export interface OpenSourcesFile {
  /**
   * Applies the file, which is read again for every call but the first. A mistake in it is logged
   * and changes nothing. Never rejects.
   */
  apply(parts: ApplyParts): Promise<void>
}

/** Reads the file for the start. Rejects with `ConfigError`. */
export async function openSourcesFile(path: string): Promise<OpenSourcesFile> {
  const read = (): Promise<SourcesFile> => readSourcesFile(path, 'WARREN_SOURCES')
  let first: SourcesFile | undefined = await read()
  let last: Promise<void> = Promise.resolve()
  const applyOnce = async (parts: ApplyParts): Promise<void> => {
    try {
      const file = first ?? (await read())
      first = undefined
      await applySources(file, parts)
    } catch (error) {
      parts.observer.log('error', errorText(error))
    }
  }
  return {
    apply(parts) {
      last = last.then(() => applyOnce(parts))
      return last
    },
  }
}

/**
 * Makes the gateway's sources those of the file: creates what is missing, and with `prune` deletes
 * the others. Logs the difference. Waits for the broker; a source that conflicts is logged, and the
 * others are applied.
 */
async function applySources(file: SourcesFile, { gateway, observer, namespace, signal }: ApplyParts): Promise<void> {
  const { create, unchanged, extra } = diffOf(file.sources, apiSources(gateway, namespace))
  const lines = [
    ...create.map((definition) => `+ ${describeDefinition(definition)}`),
    ...extra.map(({ exchange, routingKey }) => `${file.prune ? '-' : '!'} ${exchange} ${routingKey}`),
  ]
  observer.log('info', 'WARREN_SOURCES: applying', { unchanged: unchanged.length, difference: lines.slice(0, 100) })
  for (const definition of create) {
    await retried(signal, observer, describeDefinition(definition), () => gateway.createSource(definition))
  }
  if (!file.prune) return
  for (const source of extra)
    await retried(signal, observer, `deleting ${source.exchange} ${source.routingKey}`, () =>
      gateway.deleteSource(source.id),
    )
}

/** Sources that were created through the API, a command or a file. */
function apiSources(gateway: Gateway, namespace: string): Source[] {
  const exchange = defaultExchangeOf(namespace)
  const byDefault = servedForm(
    { exchange, exchangeType: 'TOPIC', routingKey: defaultRoutingKey, clientId: undefined },
    exchange,
  )
  return gateway.sources
    .list()
    .filter(
      ({ origin, exchange: name, routingKey }) =>
        origin === undefined && !(name === exchange && routingKey === byDefault.routingKey),
    )
}

async function retried(
  signal: AbortSignal,
  observer: Observer,
  what: string,
  attempt: () => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await attempt()
      return
    } catch (error) {
      const mayPass = error instanceof GatewayError && error.code === 'BROKER_UNAVAILABLE'
      if (!mayPass) {
        observer.log('error', `WARREN_SOURCES: ${what}: ${errorText(error)}`)
        return
      }
    }
    await pause(retryMs, signal, { ref: false })
  }
}
