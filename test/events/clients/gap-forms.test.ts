import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connectApollo, connectApolloOverHttp } from '../../graphql/clients/apollo.ts'
import { connectApollo3, connectApollo3OverHttp } from '../../graphql/clients/apollo-3.ts'
import type { Connect } from '../../graphql/clients/client.ts'
import { connectGraphqlSse } from '../../graphql/clients/graphql-sse.ts'
import { connectGraphqlWs } from '../../graphql/clients/graphql-ws.ts'
import { connectRelay } from '../../graphql/clients/relay.ts'
import {
  connectApolloWebSocketLink,
  connectSubscriptionsTransport,
} from '../../graphql/clients/subscriptions-transport-ws.ts'
import { connectUrql } from '../../graphql/clients/urql.ts'
import { reactConnections } from '../../graphql/clients/use-subscription.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { openBrowser, type TestBrowser } from '../../support/processes/chromium.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { publish } from '../serving/event-client.ts'
import { documentOf, type GapForm, gapForms, gapFormsSdl, seen } from './gap-forms.ts'

const folder = newFolder()
let gateway: InProcessGateway
let browser: TestBrowser
let react: Record<3 | 4, Connect>

beforeAll(async () => {
  writeFileSync(join(folder, 'events.graphql'), gapFormsSdl)
  gateway = await openGateway({ WARREN_SCHEMA: folder })
  browser = await openBrowser()
  react = await reactConnections(browser, gateway)
})
afterAll(async () => {
  await browser?.close()
  await gateway?.close()
  removeFolder(folder)
})

const clients: [name: string, Connect][] = [
  ['graphql-ws', connectGraphqlWs],
  ['graphql-sse', connectGraphqlSse],
  ['Apollo Client 4', connectApollo],
  ['Apollo Client 4, multipart', connectApolloOverHttp],
  ['Apollo Client 4, `useSubscription`', (...args) => react[4](...args)],
  ['Apollo Client 3', connectApollo3],
  ['Apollo Client 3, multipart', connectApollo3OverHttp],
  ['Apollo Client 3, `WebSocketLink`', connectApolloWebSocketLink],
  ['Apollo Client 3, `useSubscription`', (...args) => react[3](...args)],
  ['subscriptions-transport-ws', connectSubscriptionsTransport],
  ['urql', connectUrql],
  ['Relay', connectRelay],
]
const forms = Object.keys(gapForms) as GapForm[]

const live = (count: number) => eventually(`${count} subscriptions`, () => gateway.gateway.hub.size === count)

/** What the client shows at a gap and at the event after it, as a cell of the table. */
async function cellOf(connect: Connect, form: GapForm): Promise<{ cell: string; showsCursor: boolean }> {
  await live(0)
  await using client = connect(gateway, await gateway.clientToken('alice'))
  const { shown, stop } = client.listen(documentOf(form), { after: 'nonsense' })
  using _ = { [Symbol.dispose]: stop }
  const send = () => publish(gateway, { exchange: 'items', routingKey: 'x', data: { number: 1 } })
  let gap = 'nothing'
  if (form === 'later') await live(1)
  else ({ gap = 'no gap' } = seen(await shown.next()))
  await send()
  const next = await Promise.race([shown.next(), live(0).then(() => undefined)])
  if (next === undefined) return { cell: `${gap}, ends`, showsCursor: false }
  const event = seen(next)
  expect(event.number).toBe(1)
  const showsCursor = typeof (next.extensions?.['warren'] as { cursor?: unknown } | undefined)?.cursor === 'string'
  if (event.gap !== undefined) return { cell: `${gap} stays`, showsCursor }
  return { cell: gap === 'error' ? 'error, continues' : gap, showsCursor }
}

const rows = new Map<string, string[]>()

describe.each(clients)('%s', (name, connect) => {
  const cells: string[] = []
  rows.set(name, cells)

  test.each(forms)('a gap of a field that is %s', async (form) => {
    const { cell, showsCursor } = await cellOf(connect, form)
    cells.push(cell)
    if (form === 'nullable') cells.unshift(showsCursor ? 'yes' : 'no')
    // These forms are for all clients.
    if (form !== 'strict') expect(cell).not.toMatch(/ends|stays/)
  })
})

test('the guide has the table of what was measured', () => {
  const table = [
    `| client | extensions | ${forms.map((form) => gapForms[form].title).join(' | ')} |`,
    `|${'---|'.repeat(forms.length + 2)}`,
    ...[...rows].map(([name, cells]) => `| ${[name, ...cells].join(' | ')} |`),
  ]
  const lines = readFileSync('docs/guides/typed-events.md', 'utf8').split('\n')
  const begin = lines.findIndex((line) => line.startsWith('| client | extensions |'))
  expect(lines.slice(begin, lines.indexOf('', begin))).toEqual(table)
})
