import { once } from 'node:events'
import { createServer } from 'node:net'
import { readTrustedDocuments } from '../app/trusted-documents.ts'
import { checkSecretFile } from '../auth/secret.ts'
import { checkTogether } from '../config/checks/check-together.ts'
import { ConfigError } from '../config/config-error.ts'
import { variableOf } from '../config/options/option.ts'
import type { Config } from '../config/options/options.ts'
import { listenProblem } from './listen-problem.ts'

/**
 * Rejects with every problem of options, files and addresses of this machine for which `start`
 * refuses to serve. `start` and `check-config` both call it, so they report the same. It changes
 * nothing and contacts no other machine (`doctor` does). It does not check for occupied ports
 * because a running gateway may hold them while `check-config` runs.
 */
export async function checkStart(config: Config): Promise<void> {
  checkTogether(config, { secretGenerated: config.jwtSecret === undefined })
  if (config.trustedDocuments !== undefined) await readTrustedDocuments(config.trustedDocuments)
  await checkBrokerOption(config)
  await checkDatabaseOption(config)
  if (config.jwtSecret === undefined) await checkSecretFile(config.dataDir)
  await checkHost(config)
}

async function checkBrokerOption({ brokerUrl }: Config): Promise<void> {
  if (brokerUrl.some((url) => url.startsWith('memory:'))) return
  const { parseAddress } = await import('../brokers/rabbitmq/connection/address.ts')
  asOption('brokerUrl', () => brokerUrl.forEach(parseAddress))
}

async function checkDatabaseOption({ databaseUrl, dataDir }: Config): Promise<void> {
  const { checkDatabase } = await import('../registries/database/check-database.ts')
  if (databaseUrl !== undefined) {
    const { Client } = await import('pg')
    // Reads the URL, and the TLS files that it names.
    return asOption('databaseUrl', () => void new Client({ connectionString: databaseUrl }))
  }
  const { findings } = await checkDatabase(undefined, dataDir)
  const refusal = findings.find(({ status }) => status === 'fail')
  if (refusal) throw new Error(`${refusal.text}; ${refusal.advice}`)
}

/** Checks that the address belongs to this machine. */
async function checkHost(config: Config): Promise<void> {
  const server = createServer()
  try {
    server.listen(0, config.host)
    await once(server, 'listening')
  } catch (error) {
    throw listenProblem(error as Error, config) ?? error
  } finally {
    server.close()
  }
}

/**
 * Turns an error of `check` into a refusal of the option's value. The text contains the reason only
 * because a URL may hold a password.
 */
function asOption(name: 'brokerUrl' | 'databaseUrl', check: () => void): void {
  try {
    check()
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^url: /, '') : String(error)
    throw new ConfigError([`${variableOf(name)}: ${reason}`])
  }
}
