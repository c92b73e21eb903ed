import { hostname } from 'node:os'
import { expect, test } from '@jest/globals'
import { printable, printableLines } from '../../../src/cli/printable.ts'
import { visibleJson } from '../../../src/core/body/invisible-characters.ts'
import { createLogger } from '../../../src/observability/logger.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { openGateway } from '../../support/gateway/gateway-in-process.ts'
import { ask } from './registrant.ts'

/** graphql-js answers each with "Did you mean" and a name of the schema. */
const misspelt: [string, Record<string, unknown>?][] = [
  ['{ gatewa { version } }'],
  ['{ gateway { versio } }'],
  ['{ history(clientI: "a") { hasMore } }'],
  ['query($id: Cursr) { gateway { version } }'],
  ['{ gateway @skp(if: true) { version } }'],
  ['subscription { channel(clientId: "a", overflow: EN) { kind } }'],
  ['subscription($o: OverflowPolicy) { channel(clientId: "a", overflow: $o) { kind } }', { o: 'EN' }],
  ['mutation { createClientChannel(input: { clientI: "a" }) { token } }'],
  ['mutation($i: CreateClientChannelInput!) { createClientChannel(input: $i) { token } }', { i: { clientI: 'a' } }],
  ['mutation { createRabbitChannel(input: { clientId: { heade: "a" } }) { id } }'],
]

async function messages(env: Record<string, string>): Promise<string[]> {
  await using gateway = await openGateway(env)
  const answers: string[] = []
  await using socket = await connectGraphql(gateway.graphqlSocketUrl)
  for (const [query, variables] of misspelt) {
    const overHttp = query.startsWith('subscription') ? undefined : await ask(gateway.graphqlUrl, query, variables)
    const stream = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    })
    answers.push(
      JSON.stringify(overHttp ?? ''),
      await stream.text(),
      JSON.stringify(await socket.request(query, variables)),
    )
  }
  return answers
}

test('without introspection no answer suggests a name of the schema, over any transport', async () => {
  const answers = await messages({ WARREN_INTROSPECTION: 'off' })
  expect(answers.filter((text) => /did you mean/i.test(text))).toEqual([])
  expect(answers.filter((text) => text.includes('error')).length).toBeGreaterThan(misspelt.length * 2)
  const open = await messages({})
  expect(open.filter((text) => /did you mean/i.test(text)).length).toBeGreaterThan(misspelt.length)
})

test('callers other than operators receive an opaque name for each replica, and not the host', async () => {
  await using gateway = await openGateway()
  await using other = await openGateway()
  const replica = async (url: string, token?: string) => {
    const { data } = await ask(url, '{ gateway { replica } }', {}, token ? { token } : {})
    return (data?.['gateway'] as { replica: string } | undefined)?.replica
  }
  const seen = await replica(gateway.graphqlUrl)
  expect(seen).toMatch(/^[0-9a-f]{16}$/)
  expect(await replica(gateway.graphqlUrl, await gateway.clientToken('alice'))).toBe(seen)
  expect(await replica(other.graphqlUrl)).not.toBe(seen)
  expect(await replica(gateway.graphqlUrl, gateway.operatorToken)).toContain(hostname())
})

const odd = 'ali\u200bce \u202e\u2066\u00ad\u3164\ufe0f\u{e0041}\u2028\ud800'
const shown = 'ali\\u{200b}ce \\u{202e}\\u{2066}\\u{ad}\\u{3164}\\u{fe0f}\\u{e0041}\\u{2028}\\u{d800}'

test.each(['json', 'pretty'] as const)('a log in %s shows invisible characters', (format) => {
  const lines: string[] = []
  const logger = createLogger({ level: 'info', format, sink: { write: (line) => lines.push(line) } })
  const error = new Error(`client id "${odd}" is in use`, { cause: new Error(odd) })
  logger.log('warn', `of ${odd}`, { client: odd, within: [{ odd }], error })
  const text = lines.join('')
  expect(text).not.toMatch(/[\p{Cf}\p{Cs}\p{Zl}\p{Default_Ignorable_Code_Point}]/u)
  if (format === 'json') expect(JSON.parse(text)).toMatchObject({ msg: `of ${shown}`, client: shown })
  else expect(text).toContain(`of ${shown} client="${shown}"`)
})

test('and so does the output of commands; JSON parses to the original', () => {
  expect(printable(odd)).toBe(shown)
  expect(printableLines(`first\nsecond \u001b[2J${odd}`)).toBe(`first\nsecond \\u{1b}[2J${shown}`)
  const json = visibleJson({ [odd]: odd })
  expect(json).not.toMatch(/[\p{Cf}\p{Cs}\p{Zl}\p{Default_Ignorable_Code_Point}]/u)
  expect(JSON.parse(json)).toEqual({ [odd]: odd })
})
