import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { openBrowser, type TestBrowser } from '../../support/processes/chromium.ts'
import { type Call, callerOf } from '../back-end/graphql-caller.ts'
import { openConsole } from './console-page.ts'

let gateway: ReachableGateway
let browser: TestBrowser
let operate: Call
beforeAll(async () => {
  gateway = await openReachable()
  operate = callerOf(gateway.graphqlUrl, gateway.operatorToken)
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await gateway?.[Symbol.asyncDispose]()
})

const query = 'subscription { channel(clientId: "alice", position: "phone") { data cursor } }'

async function publish(n: number): Promise<string> {
  const { publish: published } = await operate<{ publish: { cursor: string } }>(
    'mutation ($input: PublishInput!) { publish(input: $input) { cursor } }',
    { input: { clientId: 'alice', data: { n } } },
  )
  return published.cursor
}

test('the detail of a client shows its positions with their lag; an operator deletes one, an observer may not', async () => {
  const token = await testToken({ sub: 'alice' })
  const alice = callerOf(gateway.graphqlUrl, token)
  const ack = (position: string, cursor: string) =>
    alice('mutation ($position: String!, $cursor: Cursor!) { ack(position: $position, cursor: $cursor) }', {
      position,
      cursor,
    })

  const { page, problems, open, shoot, findings } = await openConsole(browser, gateway)
  await open('clients?client=alice')
  const detail = page.getByRole('complementary', { name: 'Client alice' })
  const positions = detail.getByRole('region', { name: 'Positions' })
  await positions.getByText('None. The client has no subscription with a named position').waitFor()

  await using connection = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })
  const phone = connection.subscribe(query, {})
  await eventually('the subscription to have the position', async () => {
    const { clientPositions } = await alice<{ clientPositions: unknown[] }>('{ clientPositions { name } }')
    return clientPositions.length === 1
  })
  const first = await publish(1)
  for (const n of [2, 3]) await publish(n)
  for (const n of [1, 2, 3]) expect(await phone.next()).toMatchObject({ data: { channel: { data: { n } } } })
  await ack('phone', first)
  await ack('tablet', first)

  const phoneRow = positions.getByRole('listitem').filter({ hasText: 'phone' })
  const tabletRow = positions.getByRole('listitem').filter({ hasText: 'tablet' })
  await phoneRow.getByText('channel(clientId: "alice")').waitFor()
  await phoneRow.getByText('2 messages behind').waitFor()
  await tabletRow.getByText('Lag unknown: no subscription has used it yet').waitFor()
  await publish(4)
  await phoneRow.getByText('3 messages behind').waitFor()
  await positions.scrollIntoViewIfNeeded()
  expect(await findings()).toEqual([])
  await shoot('positions')

  await phoneRow.getByRole('button', { name: 'Delete position phone' }).click()
  const dialog = page.getByRole('dialog', { name: 'Delete the position phone of alice?' })
  await dialog.getByText('3 messages behind').waitFor()
  await dialog.getByRole('button', { name: 'Delete', disabled: true }).waitFor()
  expect(await findings()).toEqual([])
  await shoot('positions-delete')
  await dialog.getByRole('textbox').fill('phone')
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await page.getByText('The position phone of alice was deleted').waitFor()
  await phoneRow.waitFor({ state: 'detached' })
  await tabletRow.waitFor()
  expect(await phone.ended).toMatchObject([{ extensions: { code: 'POSITION_TAKEN' } }])

  await connection[Symbol.asyncDispose]()
  const observer = await openConsole(browser, gateway, { scope: 'observe' })
  await observer.open('clients?client=alice')
  await observer.page.getByText('The client is offline.').waitFor()
  await observer.page.getByRole('button', { name: 'Delete position tablet', disabled: true }).waitFor()
  expect(await observer.findings()).toEqual([])
  // The page is no protection: the gateway refuses.
  const refused = callerOf(gateway.graphqlUrl, await testToken({ scope: 'observe' }))
  await expect(refused('mutation { deletePosition(clientId: "alice", name: "tablet") }')).rejects.toMatchObject({
    code: 'FORBIDDEN',
  })
  expect([...problems, ...observer.problems]).toEqual([])
})
