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
  readonly teamScope?: string
  readonly ttl?: string
}

export function tokenCommand(): Command {
  const command = new Command('token')
    .description("signs a token with the gateway's secret and prints it")
    .option('--client <id>', 'identify this client; the token allows its own channel')
    .option('--operator', 'allow everything')
    .option(
      '--scope <words>',
      'allow more, as space-separated words: "publish" (to sources), "publish:<exchange>[:<key>]", "register", "room", "observe", "channel:<pattern>", "event:<field pattern>"; in patterns * matches one word and # the rest, such as "channel:team.#"',
    )
    .option(
      '--team-scope <words>',
      'allow what typed fields require with @allow(scopes:), as space-separated words of your own',
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

function scopeOf({ operator, scope = '', teamScope = '' }: TokenOptions): string[] {
  const words = wordsOf(scope)
  // A misspelt word would grant nothing without a message.
  const understood = new Set(printScope(parseScope(words.join(' '))))
  const unknown = words.find((word) => !understood.has(word) || word === 'channel:' || word === 'event:')
  if (unknown)
    throw wrongUse(
      `--scope: expected the words operator, publish, publish:<exchange>[:<key>], register, room, observe, channel:<pattern> or event:<field pattern>, got "${unknown}"; --team-scope takes words that only your schema names`,
    )
  const ofWarren = wordsOf(teamScope).find((word) => printScope(parseScope(word)).length > 0)
  if (ofWarren)
    throw wrongUse(`--team-scope: expected words that only your schema names, got "${ofWarren}"; use --scope`)
  return [...new Set([...(operator ? ['operator'] : []), ...words, ...wordsOf(teamScope)])]
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

const ttl = duration({ min: '1s', max: '3650d' })

function parseTtl(text: string): number {
  try {
    return ttl.parse(text)
  } catch (error) {
    if (!(error instanceof BadValue)) throw error
    throw wrongUse(`--ttl: expected ${ttl.expected}, got "${text}"`)
  }
}
