import { createHmac } from 'node:crypto'
import type { OptionOrigin } from '../../config/load/origins.ts'
import { originsOf } from '../../config/load/origins.ts'
import { variableOf } from '../../config/options/option.ts'
import type { Config, OptionName } from '../../config/options/options.ts'
import type { Reload } from '../../config/reload.ts'
import { describeOptions, effectiveOptions, type ProcessFacts } from '../../config/report.ts'
import type { DeploymentKeys } from '../../core/clients/deployment-keys.ts'
import type { ConfigurationReader, OptionReport } from '../../core/inspection/definitions/configuration-inspector.ts'

/** How much of a fingerprint is kept, in characters of hex. */
const fingerprintLength = 24

export interface RunningConfigurationParts {
  /** As it was loaded. */
  readonly config: Config
  /** The options that a reload changes. */
  readonly live: Config
  readonly facts: ProcessFacts
  readonly keys: Pick<DeploymentKeys, 'current'>
}

/** The options that are in force in this process, and where each came from. */
export class RunningConfiguration implements ConfigurationReader {
  readonly #parts: RunningConfigurationParts
  readonly #origins: Map<OptionName, OptionOrigin>
  #needsRestart: ReadonlySet<string> = new Set()

  constructor(parts: RunningConfigurationParts) {
    this.#parts = parts
    this.#origins = new Map(originsOf(parts.config))
  }

  describe(): ReturnType<typeof describeOptions> {
    return describeOptions()
  }

  report(): OptionReport[] {
    const { live, facts, keys } = this.#parts
    const { secret } = keys.current
    return effectiveOptions(live, this.#origins, facts).map(({ name, value, origin }) => ({
      name: variableOf(name),
      value,
      origin: origin?.by ?? null,
      givenAs: origin?.givenAs ?? null,
      file: origin?.file ?? null,
      needsRestart: this.#needsRestart.has(variableOf(name)),
      fingerprint: createHmac('sha256', secret)
        .update(JSON.stringify(['option', name, live[name] ?? value]))
        .digest('hex')
        .slice(0, fingerprintLength),
    }))
  }

  /** The options were read again, as `next`, and applied as `reloaded` names. */
  onReload(next: Config, { changed, needsRestart }: Reload): void {
    this.#needsRestart = new Set(needsRestart)
    for (const [name, origin] of originsOf(next))
      if (changed.includes(variableOf(name))) this.#origins.set(name, origin)
  }
}
