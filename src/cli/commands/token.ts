import { Command } from 'commander'
import { duration } from '../../config/kinds/amounts.ts'
import { BadValue } from '../../config/kinds/kind.ts'
import { checkClientId } from '../../core/model/channel-event.ts'
import { parseScope, printScope } from '../../core/model/identity.ts'
import { configOf, takesConfig } from '../config-flags.ts'
import { wrongUse } from '../failure.ts'
import { localSigner, secretOptions } from '../gateway/local-signer.ts'

interface TokenOptions {
  readonly client?: string
  readonly operator?: boolean
  readonly scope?: string
  readonly ttl?: string
}

export function tokenCommand(): Command {
  const command = new Command('token')
    .description("signs a token with the gateway's secret and prints it")
    .option('--client <id>', 'identify this client; the token allows its own channel')
    .option('--operator', 'allow everything')
    .option(
      '--scope <words>',
      'allow more, as space-separated words: "publish" (to sources), "publish:<exchange>[:<key>]", "register", "room", "observe", "channel:<pattern>", "event:<field pattern>"; in patterns * matches one word and # the rest, such as "channel:team.#"; scopes of your own for typed fields have a colon, such as "orders:write"',
    )
    .option('--ttl <duration>', 'expire after this duration, such as 30m, 1h or 7d (default: WARREN_TOKEN_TTL)')
  return takesConfig(command, secretOptions).action(async (given: TokenOptions) => {
    const config = configOf(command, secretOptions)
    const clientId = given.client === undefined ? undefined : checkClientId(given.client, '--client')
    const scope = scopeOf(given)
    if (clientId === undefined && scope.length === 0) {
      throw wrongUse(
        'warren token: expected --client, --operator or --scope; a token without any of them grants nothing',
      )
    }
    const ttlSeconds = (given.ttl === undefined ? config.tokenTtlMs : parseTtl(given.ttl)) / 1_000
    const signer = await localSigner(config, { create: true })
    const { token } = await signer.sign({ clientId, scope, ttlSeconds })
    process.stdout.write(`${token}\n`)
  })
}

function scopeOf({ operator, scope = '' }: TokenOptions): string[] {
  const words = scope.split(/\s+/).filter((word) => word !== '')
  // A misspelt word would grant nothing without a message.
  const understood = new Set(printScope(parseScope(words.join(' '))))
  const unknown = words.find(
    (word) => word === 'channel:' || word === 'event:' || !(understood.has(word) || teamScope.test(word)),
  )
  if (unknown)
    throw wrongUse(
      `--scope: expected the words operator, publish, publish:<exchange>[:<key>], register, room, observe, channel:<pattern>, event:<field pattern>, or a scope of your own such as orders:write, got "${unknown}"`,
    )
  return [...new Set([...(operator ? ['operator'] : []), ...words])]
}

/**
 * A scope of the team, which `@allow` of a typed field may name. It has a colon, so that a misspelt
 * word of Warren is not taken for one.
 */
const teamScope = /^(?!(?:operator|observe|publish|register|room|channel|event):)[^:]+:./

const ttl = duration({ min: '1s', max: '3650d' })

function parseTtl(text: string): number {
  try {
    return ttl.parse(text)
  } catch (error) {
    if (!(error instanceof BadValue)) throw error
    throw wrongUse(`--ttl: expected ${ttl.expected}, got "${text}"`)
  }
}
