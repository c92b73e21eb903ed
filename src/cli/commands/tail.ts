import { Command } from 'commander'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import { maxLastEvents } from '../../core/delivery/replay/last-events.ts'
import { configOf, takesConfig } from '../config-flags.ts'
import { wrongUse } from '../failure.ts'
import { followChannel, type TailEvent } from '../gateway/follow-channel.ts'
import { addressOptions, gatewayUrl } from '../gateway/gateway-url.ts'
import { operatorToken, secretOptions } from '../gateway/local-signer.ts'

interface TailOptions {
  readonly after?: string
  readonly last?: string
  readonly checkpoints?: boolean
  readonly count?: string
  readonly url?: string
  readonly token?: string
}

const configNames = [...addressOptions, ...secretOptions]

export function tailCommand(): Command {
  const command = new Command('tail')
    .description('subscribes to a channel and prints each event as one JSON line; resumes after a lost connection')
    .argument('<client>', 'the client id of the channel')
    .option('--after <cursor>', 'begin after this cursor (default: now)')
    .option('--last <n>', `begin with so many of the last events (at most ${maxLastEvents})`)
    .option('--checkpoints', 'also print the fresh cursors of an idle channel')
    .option('--count <n>', 'end after this many events (default: run until SIGINT)')
    .option(
      '--url <url>',
      'use this GraphQL endpoint, such as ws://127.0.0.1:4000/graphql (default: this machine, WARREN_PORT)',
    )
    .option(
      '--token <token>',
      'use this token, which must allow the channel (default: an operator token, signed with the local secret)',
    )
  return takesConfig(command, configNames).action(async (clientId: string, given: TailOptions) => {
    const count = countOf('--count', given.count) ?? Number.POSITIVE_INFINITY
    const last = countOf('--last', given.last)
    if (last !== undefined && given.after !== undefined) throw wrongUse('--last: expected --last or --after, got both')
    const config = configOf(command, configNames)
    const stop = new AbortController()
    const end = () => stop.abort()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
    // The reader of the pipe has exited (`head`, for example), so end.
    process.stdout.on('error', end)
    let printed = 0
    const print = (event: TailEvent) => {
      process.stdout.write(`${visibleJson(event)}\n`)
      printed += 1
      if (printed === count) end()
    }
    await followChannel({
      url: socketUrl(given.url ?? gatewayUrl(config)),
      token: async () => given.token ?? operatorToken(config),
      clientId,
      after: given.after,
      last,
      signal: stop.signal,
      onEvent: print,
      onCheckpoint: given.checkpoints ? print : () => undefined,
      log: (text) => void process.stderr.write(`${text}\n`),
    })
  })
}

function countOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,14}$/.test(text)) throw wrongUse(`${option}: expected a whole number above 0, got "${text}"`)
  return Number(text)
}

function socketUrl(url: string): string {
  if (!/^(http|ws)s?:\/\//.test(url) || !URL.canParse(url)) {
    throw wrongUse(`--url: expected a URL that begins with http://, https://, ws:// or wss://, got "${url}"`)
  }
  return url.replace(/^http/, 'ws')
}
