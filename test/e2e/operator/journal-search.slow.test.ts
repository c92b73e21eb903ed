import { afterAll, beforeAll, expect, test } from '@jest/globals'
import amqp from 'amqplib'
import { eventually } from '../../support/eventually.ts'
import { createRabbitChannel } from '../back-end/graphql-caller.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

/** More than one page reads. */
const count = 130_000
let replicas: TwoReplicas

beforeAll(async () => {
  replicas = await openTwoReplicas('journal-search', { WARREN_HOT_WINDOW: '5m,64KiB' })
  const input = { exchange: 'orders', exchangeType: 'TOPIC', routingKey: '#', clientId: { bodyPointer: '/to' } }
  await replicas.onA(createRabbitChannel, { input })
  const connection = await amqp.connect(replicas.vhost.url)
  const channel = await connection.createConfirmChannel()
  for (let n = 0; n < count; n += 1) {
    const body = Buffer.from(n === 5 ? '{"to":"alice","note":"needle"}' : `{"to":"bob","n":${n}}`)
    if (!channel.publish('orders', 'x', body)) await new Promise((drained) => channel.once('drain', drained))
  }
  await channel.waitForConfirms()
  await connection.close()
})
afterAll(async () => {
  await replicas?.[Symbol.asyncDispose]()
})

interface Page {
  readonly nodes: readonly { readonly body: { readonly text: string } }[]
  readonly startCursor: string | null
  readonly hasOlder: boolean
  readonly note: string | null
  readonly searched: { readonly messages: number; readonly firstOffset: number } | null
}

test('a search of a long journal ends at its bound, and the next page begins where it ended', async () => {
  const query = `query ($before: Cursor) { messages(search: "needle", before: $before) {
    nodes { body { text } } startCursor hasOlder note searched { messages firstOffset } } }`
  const pageOf = async (before: string | null): Promise<Page> =>
    (await replicas.observer<{ messages: Page }>(query, { before })).messages
  await eventually('all messages in the journal', async () => {
    const { broker } = await replicas.observer<{ broker: { journal: { lastOffset: number } | null } }>(
      '{ broker { journal { lastOffset } } }',
    )
    return (broker.journal?.lastOffset ?? 0) >= count
  })
  let [compared, pages] = [0, 0]
  let before: string | null = null
  for (;;) {
    const page: Page = await pageOf(before)
    pages += 1
    compared += page.searched?.messages ?? 0
    if (page.nodes.length > 0 || !page.hasOlder) {
      expect(page.nodes).toEqual([{ body: { text: expect.stringContaining('needle') } }])
      break
    }
    expect(page.note).toContain('Not everything was searched')
    // A slow machine reaches the bound of time instead.
    expect(page.searched?.messages).toBeGreaterThan(0)
    before = page.startCursor
  }
  expect(pages).toBeGreaterThan(1)
  // No message is compared on two pages, but for the last step of a page that ran out of time.
  expect(compared).toBeLessThan(count + pages * 20_000)
  expect(compared).toBeGreaterThanOrEqual(count - 10)
})
