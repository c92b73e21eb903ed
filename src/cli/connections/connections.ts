import { Command, Option } from 'commander'
import { visibleJson } from '../../core/body/invisible-characters.ts'
import { CommandFailure, wrongUse } from '../failure.ts'
import { type Protocol, protocols } from './protocols.ts'
import { distributionOf, printRun, progressBar } from './report.ts'
import { type Run, runConnections } from './run.ts'

interface ConnectionsOptions {
  readonly protocol: Protocol
  readonly messages: string
  readonly bytes: string
  readonly atOnce: string
  readonly timeout: string
  readonly path: string
  readonly token?: string
  readonly json?: boolean
}

export function connectionsCommand(): Command {
  return new Command('connections')
    .description('opens many connections at once, checks every byte of the answers and prints the measurements')
    .argument('<host>', 'the host of the gateway')
    .argument(
      '<port>',
      'the port for the protocol: WARREN_TCP_ECHO_PORT (echo), WARREN_TCP_PORT (framed) or WARREN_PORT (websocket)',
    )
    .argument('<count>', 'the number of connections')
    .addOption(
      new Option('--protocol <name>', 'use this protocol; websocket sends pings and checks their pongs')
        .choices(Object.keys(protocols))
        .default('echo'),
    )
    .option('--messages <n>', 'send this many messages on each connection, one after another', '5')
    .option('--bytes <n>', 'send messages of this many bytes; at most 125 with websocket', '1024')
    .option('--at-once <n>', 'open this many connections at a time', '200')
    .option('--timeout <seconds>', 'wait at most this many seconds for a connection or an answer', '30')
    .option('--path <path>', 'use this path for WebSocket', '/ws')
    .option('--token <token>', 'use this token for framed TCP and WebSocket; the room (/ws) requires the scope room')
    .option('--json', 'print the measurements as one line of JSON')
    .action(async (host: string, port: string, count: string, given: ConnectionsOptions) => {
      const bar = progressBar(process.stderr)
      const run = await runConnections({
        open: protocols[given.protocol]({
          host,
          port: wholeNumber('port', port, 65_535),
          path: given.path,
          token: given.token,
          timeoutMs: wholeNumber('--timeout', given.timeout, 3_600) * 1_000,
        }),
        count: wholeNumber('count', count, 1_000_000),
        messages: wholeNumber('--messages', given.messages, 1_000_000),
        bytes: Math.min(
          wholeNumber('--bytes', given.bytes, 64 * 1024 * 1024),
          given.protocol === 'websocket' ? 125 : Infinity,
        ),
        atOnce: wholeNumber('--at-once', given.atOnce, 100_000),
        onProgress: bar.show,
      }).finally(bar.end)
      process.stdout.write(given.json ? `${visibleJson(jsonOf(run))}\n` : printRun(run))
      if (run.failures.size > 0)
        throw new CommandFailure(`${sum(run.failures.values())} of ${run.count} connections failed`)
    })
}

function jsonOf({ connect, roundTrip, failures, ...run }: Run): object {
  return {
    ...run,
    connect: distributionOf(connect),
    roundTrip: distributionOf(roundTrip),
    failures: Object.fromEntries(failures),
  }
}

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const number of numbers) total += number
  return total
}

function wholeNumber(name: string, text: string, max: number): number {
  if (!/^[1-9]\d{0,9}$/.test(text) || Number(text) > max) {
    throw wrongUse(`${name}: expected a whole number from 1 to ${max}, got "${text}"`)
  }
  return Number(text)
}
