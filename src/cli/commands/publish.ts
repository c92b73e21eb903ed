import { text as readAll } from 'node:stream/consumers'
import { Command } from 'commander'
import { parseJson } from '../../core/json/parse-json.ts'
import { configOf, takesConfig } from '../config-flags.ts'
import { wrongUse } from '../failure.ts'
import { askGateway } from '../gateway/ask-gateway.ts'
import { addressOptions, gatewayUrl } from '../gateway/gateway-url.ts'
import { operatorToken, secretOptions } from '../gateway/local-signer.ts'

interface PublishOptions {
  readonly client?: string
  readonly exchange?: string
  readonly key?: string
  readonly type?: string
  readonly messageId?: string
  readonly header: readonly string[]
  readonly url?: string
  readonly token?: string
}

const configNames = [...addressOptions, ...secretOptions]

export function publishCommand(): Command {
  const command = new Command('publish')
    .description('publishes a message through a running gateway and prints its id')
    .argument('[body]', 'the body in JSON, such as \'{"hello":1}\'; omitted or -: read from standard input')
    .option('--client <id>', 'publish to the channel of this client')
    .option('--exchange <name>', 'publish to this exchange; requires --key')
    .option('--key <routing key>', 'set the routing key; requires --exchange')
    .option('--type <type>', 'set the message type')
    .option('--message-id <id>', 'set the message id (default: the gateway generates one)')
    .option(
      '--header <name=value>',
      'add a header, such as tenant=acme; repeatable',
      (pair: string, list: string[]) => [...list, pair],
      [],
    )
    .option(
      '--url <url>',
      'use this GraphQL endpoint, such as http://127.0.0.1:4000/graphql (default: this machine, WARREN_PORT)',
    )
    .option(
      '--token <token>',
      'use this token, which must allow publishing (default: an operator token, signed with the local secret)',
    )
  return takesConfig(command, configNames).action(async (body: string | undefined, given: PublishOptions) => {
    const input = { ...targetOf(given), data: await dataOf(body), headers: headersOf(given.header) }
    const config = configOf(command, configNames)
    const token = given.token ?? (await operatorToken(config))
    process.stdout.write(`${await publish(given.url ?? gatewayUrl(config), token, input)}\n`)
  })
}

function targetOf({ client, exchange, key, type, messageId }: PublishOptions) {
  const direct = client !== undefined
  const addressed = exchange !== undefined && key !== undefined
  if (direct ? exchange !== undefined || key !== undefined : !addressed) {
    throw wrongUse('warren publish: expected either --client, or --exchange and --key')
  }
  return { clientId: client, exchange, routingKey: key, type, messageId }
}

async function dataOf(body: string | undefined): Promise<unknown> {
  if ((body === undefined || body === '-') && process.stdin.isTTY) {
    throw wrongUse('body: expected JSON as an argument or on standard input')
  }
  const json = body === undefined || body === '-' ? await readAll(process.stdin) : body
  try {
    return parseJson(json)
  } catch (error) {
    throw wrongUse(`body: expected JSON, such as '{"hello":1}' or '"a text"' (${(error as Error).message})`)
  }
}

function headersOf(pairs: readonly string[]): Record<string, string> | undefined {
  if (pairs.length === 0) return undefined
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? []
      if (name === undefined || value === undefined) throw wrongUse(`--header: expected name=value, got "${pair}"`)
      return [name, value]
    }),
  )
}

const mutation = 'mutation Publish($input: PublishInput!) { publish(input: $input) { messageId } }'

async function publish(url: string, token: string, input: unknown): Promise<string> {
  const { publish: published } = await askGateway<{ publish: { messageId: string } }>(url, token, mutation, { input })
  return published.messageId
}
