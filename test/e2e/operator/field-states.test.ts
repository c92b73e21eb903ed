import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import amqp, { type ChannelModel, type ConfirmChannel } from 'amqplib'
import { eventually } from '../../support/eventually.ts'
import { Postgres } from '../../support/processes/postgres.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

const sdl = `type Subscription {
  board(customer: ID!): Order
    @events(exchange: "orders")
    @state(key: "/id", deleteOn: ["order.deleted"], keep: "30d")
  news: Order @events(exchange: "news")
}
type Order { id: ID!  customer: ID!  total: Int! }
`

let postgres: Postgres
let replicas: TwoReplicas
let connection: ChannelModel
let channel: ConfirmChannel
const folder = newFolder()

beforeAll(async () => {
  const file = join(folder, 'shop.graphql')
  writeFileSync(file, sdl)
  postgres = await Postgres.start()
  replicas = await openTwoReplicas('field-states', {
    WARREN_SCHEMA: file,
    WARREN_DATABASE_URL: await postgres.newDatabase(),
  })
  connection = await amqp.connect(replicas.vhost.url)
  channel = await connection.createConfirmChannel()
})
afterAll(async () => {
  await connection?.close()
  await replicas?.[Symbol.asyncDispose]()
  await postgres?.close()
  removeFolder(folder)
})

async function send(type: string, order: { id: string; customer: string; total?: number }): Promise<void> {
  channel.publish('orders', '', Buffer.from(JSON.stringify(order)), { contentType: 'application/json', type })
  await channel.waitForConfirms()
}

interface State {
  readonly keys: number
  readonly removedKeys: number
  readonly lag: number
  readonly cursor: string
  readonly replica: string
}
interface Answer {
  readonly typedFields: { readonly fields: readonly { readonly name: string; readonly state: State | null }[] }
}
const query = `{ typedFields { fields { name
  state { key deleteOn keepMs status keys removedKeys bytes cursor lag replica } } } }`

test('every replica shows the state in the shared database, and continues the pages of another', async () => {
  const { a, b, onA, onB, observer } = replicas
  for (const id of ['1', '2', '3', '4', '5']) await send('order.changed', { id, customer: 'c', total: Number(id) })
  await send('order.deleted', { id: '2', customer: 'c' })
  const answerOf = (call: typeof onA) =>
    eventually('the state with all messages', async () => {
      const { typedFields } = await call<Answer>(query)
      const [board] = typedFields.fields
      return board?.state?.keys === 4 && board.state.removedKeys === 1 && typedFields.fields
    })
  const answers = [await answerOf(observer), await answerOf(onA), await answerOf(onB)]
  const names = [a.gateway.replica, b.gateway.replica]
  for (const answer of answers) {
    expect(answer).toEqual([
      {
        name: 'board',
        state: {
          key: '"/id" of the payload',
          deleteOn: ['order.deleted'],
          keepMs: 30 * 86_400_000,
          status: 'READY',
          keys: 4,
          removedKeys: 1,
          bytes: expect.any(Number),
          cursor: expect.any(String),
          lag: expect.any(Number),
          replica: answers[0]?.[0]?.state?.replica,
        },
      },
      { name: 'news', state: null },
    ])
  }
  expect(names).toContain(answers[0]?.[0]?.state?.replica)

  const pages =
    'query ($after: String) { boardState(customer: "c", first: 2, after: $after) { nodes { id } endCursor cursor } }'
  interface Pages {
    readonly boardState: { readonly nodes: object[]; readonly endCursor: string | null; readonly cursor: string }
  }
  const { boardState: first } = await onA<Pages>(pages)
  const { boardState: second } = await onB<Pages>(pages, { after: first.endCursor })
  expect([first.nodes, second.nodes]).toEqual([
    [{ id: '1' }, { id: '3' }],
    [{ id: '4' }, { id: '5' }],
  ])
  expect(second).toMatchObject({ endCursor: null, cursor: first.cursor })
})
