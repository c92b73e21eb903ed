import type { Command } from 'commander'
import { configOf, takesConfig } from '../config-flags.ts'
import { CommandFailure } from '../failure.ts'
import { askGateway } from '../gateway/ask-gateway.ts'
import { addressOptions, gatewayUrl } from '../gateway/gateway-url.ts'
import { operatorToken, secretOptions } from '../gateway/local-signer.ts'

interface CallOptions {
  readonly url?: string
  readonly token?: string
}

const configNames = [...addressOptions, 'opsPort', ...secretOptions] as const

/** Adds the flags that name the gateway and the token. */
export function asksGateway(command: Command): Command {
  command
    .option('--json', 'print JSON')
    .option(
      '--url <url>',
      'use this GraphQL endpoint, such as http://127.0.0.1:4000/graphql (default: this machine, WARREN_PORT)',
    )
    .option('--token <token>', 'use this token (default: an operator token, signed with the local secret)')
  return takesConfig(command, configNames)
}

/** Asks the gateway that the flags of the command name. Rejects with `CommandFailure`. */
export async function callGateway<Data>(command: Command, query: string, variables: object = {}): Promise<Data> {
  const given = command.opts<CallOptions>()
  const config = configOf(command, configNames)
  const token = given.token ?? (await operatorToken(config))
  const { opsPort } = config
  try {
    return await askGateway<Data>(given.url ?? gatewayUrl(config), token, query, variables)
  } catch (error) {
    // The team's schema may have the names of the operator API, which the ops port has always.
    const lacksField = error instanceof CommandFailure && error.message.startsWith('GRAPHQL_VALIDATION_FAILED')
    if (!lacksField || given.url !== undefined || opsPort === 'off') throw error
    return askGateway<Data>(gatewayUrl({ ...config, port: opsPort }), token, query, variables)
  }
}

/** One sentence on standard error for replicas that are missing in an answer. */
export function warnAboutSilent(unanswered: readonly string[]): void {
  if (unanswered.length > 0)
    process.stderr.write(`not in the answer, because they were silent: ${unanswered.join(', ')}\n`)
}

/** A whole number of at least 1, at most `most`; undefined if it is not given. */
export function countOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}
