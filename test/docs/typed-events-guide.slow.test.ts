import { cpSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from '@jest/globals'
import { plainConnection } from '../brokers/rabbitmq/connections.ts'
import { schemaOf } from '../events/sdl/reading.ts'
import { checkoutShell } from '../support/gateway/checkout-shell.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { testVhost } from '../support/rabbitmq/broker.ts'
import { blocksOf } from './documents.ts'

const path = 'docs/guides/typed-events.md'
const blocks = blocksOf({ path, text: readFileSync(path, 'utf8') })
const commands = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text.trim())
const [setBroker, infer = '', check = '', start = '', subscribe = '', print = '', ...rest] = commands

test('the SDL of the guide is served, without a remark', () => {
  const sdl = blocks.find(({ text }) => text.includes('type Subscription'))?.text ?? ''
  expect(schemaOf(sdl).remarks).toEqual([])
})

test('the commands of the guide lead from an exchange to a typed subscription', async () => {
  expect(setBroker).toBe('export WARREN_BROKER_URL=amqp://guest:guest@localhost:5672')
  expect(rest).toEqual([])
  await using vhost = await testVhost('typed-events-guide')
  await using folder = checkout()
  await using shell = await checkoutShell({ env: { WARREN_BROKER_URL: vhost.url }, folder: folder.path })
  await using connection = await plainConnection(vhost.url)
  const channel = await connection.createChannel()
  await channel.assertExchange('orders', 'topic')
  const publish = (id: number) => {
    const body = { id, customer: { id: `c-${id % 7}` }, status: id % 2 ? 'PAID' : 'CREATED', total: id + 0.5 }
    channel.publish('orders', 'orders.eu.new', Buffer.from(JSON.stringify(body)))
  }
  // A back end goes on publishing: no event announces that the command has bound its queue.
  let published = 0
  const backEnd = setInterval(() => {
    for (let count = 0; count < 50; count += 1) publish((published += 1))
  }, 100)
  await shell.run(infer).finally(() => clearInterval(backEnd))
  expect(readFileSync(join(folder.path, 'events/orders.graphql'), 'utf8')).toContain('@events(exchange: "orders"')
  expect(await shell.run(check)).toMatch(/^1 event field, /)
  // `npm start` compiles first, for which test/docs/readme.test.ts is.
  shell.start(`${start} --ignore-scripts`)
  await shell.ready()
  const events = shell.lines(subscribe.replace(':4000/', `:${shell.port}/`))
  await shell.subscribed(1, 'sse')
  publish(1)
  const event = JSON.parse((await events.nextMatching((line) => line.startsWith('data: {'))).slice(6)) as unknown
  expect(event).toMatchObject({
    data: { orders: { __typename: 'Order' } },
    extensions: { warren: { cursor: expect.any(String) } },
  })
  await shell.run(print)
  expect(readFileSync(join(folder.path, 'schema.graphql'), 'utf8')).toMatch(/^ {2}orders\(/m)
}, 600_000)

/** A checkout like this one, for commands that write files. `npm start` may write to its `dist`. */
function checkout(): AsyncDisposable & { path: string } {
  const folder = newFolder()
  const linked = readdirSync('.').filter((name) => !['data', 'dist', '.cache'].includes(name))
  for (const name of linked) symlinkSync(resolve(name), join(folder, name))
  cpSync('dist', join(folder, 'dist'), { recursive: true })
  return { path: folder, [Symbol.asyncDispose]: async () => removeFolder(folder) }
}
