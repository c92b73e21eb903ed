import { Command } from 'commander'
import { hookExchanges } from '../../config/hook-exchanges.ts'
import { load } from '../../config/load/load.ts'
import { processInputs } from '../../config/load/process-inputs.ts'
import type { Config } from '../../config/options/options.ts'
import type { Finding } from '../../core/ports/finding.ts'
import { checkClock } from '../doctor/check-clock.ts'
import { checkFiles } from '../doctor/check-files.ts'
import { checkPorts } from '../doctor/check-ports.ts'
import { checkSecret } from '../doctor/check-secret.ts'
import { checkSources } from '../doctor/check-sources.ts'
import { CommandFailure } from '../failure.ts'

export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'checks everything that a gateway with this configuration needs and prints advice; takes the flags of start',
    )
    .option('--json', 'print one JSON object: ok, and findings with check, status, text and advice')
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async ({ json }: { json?: boolean }, { args }: Command) => {
      const findings = await examine(load(processInputs(args)))
      const failed = findings.filter(({ status }) => status === 'fail').length
      if (json) process.stdout.write(`${JSON.stringify({ ok: failed === 0, findings }, undefined, 2)}\n`)
      else process.stdout.write(printed(findings))
      if (failed > 0) throw new CommandFailure(`${failed} of ${findings.length} checks failed`)
    })
}

async function examine(config: Config): Promise<Finding[]> {
  // Imported late, so that the other commands start without drivers.
  const [{ checkBroker }, { checkDatabase }] = await Promise.all([
    import('../../brokers/rabbitmq/doctor/check-broker.ts'),
    import('../../registries/database/check-database.ts'),
  ])
  const embedded = config.brokerUrl.some((url) => url.startsWith('memory:'))
  const database = checkDatabase(config.databaseUrl, config.dataDir)
  const exchanges = database.then(({ sources }) => [
    ...new Set([`${config.namespace}.events`, ...sources.map(({ exchange }) => exchange)]),
  ])
  const names = exchanges.then((sources) => ({ ...config, sources, hooks: hookExchanges(config) }))
  const broker: Promise<Finding[]> = embedded
    ? Promise.resolve([
        {
          check: 'broker',
          status: 'ok',
          text: 'embedded: messages are kept in the process of the gateway and are lost when it ends',
        },
      ])
    : checkBroker(config.brokerUrl, names)
  const alone: Finding[] =
    !embedded && config.databaseUrl === undefined
      ? [
          {
            check: 'replicas',
            status: 'warn',
            text: 'the registry is embedded, so other replicas cannot share it',
            advice: 'set WARREN_DATABASE_URL if you run more than one replica',
          },
        ]
      : []
  // Each check has its own timeout. They run concurrently so that all end within 30 s, even if
  // several peers do not answer.
  const findings = await Promise.all([
    broker,
    embedded ? Promise.resolve([]) : database.then(({ sources }) => checkSources(config, sources)),
    database.then(({ findings: found }) => found),
    Promise.resolve(alone),
    checkSecret(config),
    checkPorts(config),
    checkFiles(config),
    database.then(({ now }) => checkClock(config, now)),
  ])
  return findings.flat()
}

const marks = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const

function printed(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.flatMap(({ check, status, text, advice }) => [
    `${marks[status]}  ${check.padEnd(width)}  ${text}`,
    ...(advice === undefined ? [] : [`${' '.repeat(width + 8)}→ ${advice}`]),
  ])
  return `${lines.join('\n')}\n`
}
