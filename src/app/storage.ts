import { openSealedKey, sealKey } from '../auth/sealed-key.ts'
import type { AgreeOnKey, BrokerState, GatewayBroker } from '../brokers/driver.ts'
import { hookExchanges } from '../config/hook-exchanges.ts'
import type { Config } from '../config/options/options.ts'
import { DeploymentKeys } from '../core/clients/deployment-keys.ts'
import { errorText } from '../core/model/error-text.ts'
import type { ClientDirectory, PresenceStore } from '../core/ports/client-directory.ts'
import type { ClientRegistry } from '../core/ports/client-registry.ts'
import type { ControlBus } from '../core/ports/control-bus.ts'
import type { HotWindow } from '../core/ports/hot-window.ts'
import type { Journal } from '../core/ports/journal.ts'
import type { Observer } from '../core/ports/observer.ts'
import type { PositionStore } from '../core/positions/position-store.ts'
import { openDriver } from '../distributor/open-driver.ts'
import type { Health } from '../observability/health.ts'
import { OutageLog } from '../observability/outage-log.ts'
import { openRegistry } from '../registries/open-registry.ts'
import { reportingDirectory, reportingPositions, reportingRegistry } from '../registries/reporting-registry.ts'
import type { Closing } from './closing.ts'

/** Interval between checks of the registry, in milliseconds. */
const registryProbeMs = 5_000

export interface OpenRegistryParts {
  readonly registry: ClientRegistry
  readonly directory: ClientDirectory & PresenceStore
  readonly positionStore: PositionStore
  readonly keys: DeploymentKeys
}

/** Rejects if the registry cannot be reached; later failures are reported to `health`. */
export async function openClientRegistry(
  config: Config,
  { observer, health, closing }: { observer: Observer; health: Health; closing: Closing },
): Promise<OpenRegistryParts> {
  const database = await openRegistry({ databaseUrl: config.databaseUrl, dataDir: config.dataDir })
  closing.add(() => database.close())
  const onFailure = (error: unknown): void => observer.log('warn', errorText(error))
  const registry = reportingRegistry(database, onFailure)
  const directory = reportingDirectory(database, onFailure)
  const positionStore = reportingPositions(database.positions, onFailure)
  const keys = await DeploymentKeys.open(database)
  health.report('registry', true)
  const probe = setInterval(() => {
    database.check().then(
      () => health.report('registry', true),
      (error: unknown) => health.report('registry', false, errorText(error)),
    )
  }, registryProbeMs)
  closing.add(() => clearInterval(probe))
  return { registry, directory, positionStore, keys }
}

export interface Brokerage {
  readonly broker: GatewayBroker
  readonly journal: Journal
  readonly hotWindow: HotWindow
  readonly control: ControlBus
  /** Call it at each change of the journal's state. */
  readonly reportJournal: (state: { readonly up: boolean; readonly reason?: string }) => void
}

/** Opens the broker and what is built on it. Resolves even if RabbitMQ cannot be reached. */
export async function openBrokerage(
  config: Config,
  parts: {
    observer: Observer
    health: Health
    closing: Closing
    keys: DeploymentKeys
    secret: string
    journalDir: string | undefined
  },
): Promise<Brokerage> {
  const { observer, health, closing, keys, secret, journalDir } = parts
  const outages = new OutageLog((...line) => observer.log(...line))
  const broker = await openBroker(config, observer, outages)
  closing.add(() => broker.close())
  closing.add(() => outages.close())
  const { journal, hotWindow } = broker.openJournal({
    retention: config.retention,
    hotWindow: config.hotWindow,
    // A PostgreSQL registry is shared by all replicas, and so are its keys.
    agreeOnKey: config.databaseUrl === undefined ? agreementOn(keys, secret) : undefined,
    folder: journalDir,
  })
  closing.add(() => journal.close())
  const control = broker.openControlBus(keys)
  closing.add(() => control.close())

  let brokerState: BrokerState = broker.state
  let journalState: { up: boolean; reason?: string } = { up: false, reason: 'the journal is being opened' }
  const report = (): void => {
    const down = [brokerState, journalState].filter(({ up }) => !up)
    const reasons = new Set(down.flatMap((state) => ('reason' in state ? (state.reason ?? []) : [])))
    observer.brokerUp(down.length === 0)
    health.report('broker', down.length === 0, [...reasons].join('; ') || undefined)
  }
  broker.onState((state) => {
    brokerState = state
    report()
  })
  return {
    broker,
    journal,
    hotWindow,
    control,
    reportJournal: (state) => {
      journalState = state
      outages.report('journal', 'nothing is delivered', state.reason)
      report()
    },
  }
}

async function openBroker(config: Config, observer: Observer, outages: OutageLog): Promise<GatewayBroker> {
  const driver = await openDriver(config.brokerUrl, {
    namespace: config.namespace,
    log: (level, text, details) => observer.log(level, text, details),
    onUnreadable: () => observer.messageUnreadable(),
    onNotStored: (messages) => observer.messagesNotStored(messages),
    onRefused: () => observer.messageQuarantined('refused'),
    onInterrupted: (part, what, reason) => outages.report(part, what, reason),
  })
  if (!driver.gateway)
    throw new Error('WARREN_BROKER_URL: this driver cannot carry a gateway; use memory:, amqp: or amqps:')
  return driver.gateway({
    queue: `${config.namespace}.journal`,
    publishTimeoutMs: config.publishTimeoutMs,
    maxMessageBytes: config.maxMessageBytes,
    hooks: hookExchanges(config),
  })
}

/**
 * Adopts the key that another replica wrote last. If this secret opens none of the sealed keys, the
 * gateway writes its own.
 */
function agreementOn(keys: DeploymentKeys, jwtSecret: string): AgreeOnKey {
  return async (sealed) => {
    for (const text of sealed.toReversed()) {
      const key = openSealedKey(text, jwtSecret)
      if (!key) continue
      await keys.adopt(key)
      return text
    }
    return sealKey(keys.current, jwtSecret)
  }
}
