/**
 * `npm run bench:state`: how many messages a second of processor time are folded into keyed state in
 * SQLite, validation included.
 */
import { cpuUsage, stdout } from 'node:process'
import { maxDecodedBytes } from '../src/core/body/decode-body.ts'
import { RunningFold } from '../src/core/state/state-fold.ts'
import { EventFields } from '../src/events/serving/event-fields.ts'
import { openEmbeddedStateStore } from '../src/registries/state/embedded-state-store.ts'
import { schemaOf } from '../test/events/sdl/reading.ts'
import { newFolder, removeFolder } from '../test/support/processes/run-folder.ts'

const messages = Number(process.argv[2] ?? 400_000)
const keys = Number(process.argv[3] ?? 100_000)
const batch = 2_000
const epoch = '0011223344556677'

const { schema } = schemaOf(`
type Subscription {
  orders(customerId: ID!): Order @events(exchange: "orders", routingKey: "orders.#") @state(key: "/id")
}
type Order { id: ID!  customerId: ID!  status: String!  total: Float! }
`)
const fields = new EventFields(schema, { decoders: {}, maxDecodedBytes, count: () => undefined })
const definition = fields.states.get('orders')
if (!definition) throw new Error('the schema has no keyed state')

const folder = newFolder()
const store = await openEmbeddedStateStore(folder)
const lease = await store.lease({ id: definition.id, field: 'orders', holder: 'bench', now: 1, until: 1e15 })
if (!lease) throw new Error('the lease is taken')
const head = await store.reset(definition.id, lease.fence, epoch)
if (!head) throw new Error('the lease is lost')
const fold = new RunningFold(definition, { ...lease, head }, epoch, 0)

const began = performance.now()
const used = cpuUsage()
for (let offset = 0; offset < messages; offset += 1) {
  const id = (offset * 7_919) % keys
  fold.visit(
    {
      offset,
      mark: false,
      exchange: 'orders',
      routingKey: 'orders.eu',
      body: Buffer.from(`{"id":${id},"customerId":"c${id % 1_000}","status":"PAID","total":${offset / 100}}`),
      properties: { contentType: 'application/json', messageId: `m${offset}` },
      redelivered: false,
      receivedAt: 1_700_000_000_000,
    },
    offset === 0,
    false,
    () => '',
  )
  if (fold.waitingRows < batch) continue
  const written = await store.fold(fold.take(Date.now(), 1e15))
  if (written) fold.head = written
}
await store.fold(fold.take(Date.now(), 1e15))
const { user, system } = cpuUsage(used)
const processorSeconds = (user + system) / 1e6
const seconds = (performance.now() - began) / 1_000
const stored = await store.head(definition.id)
await store.close()
removeFolder(folder)

stdout.write(
  `${messages} messages of ${stored?.keys} keys folded in ${seconds.toFixed(1)} s, ${processorSeconds.toFixed(1)} s of a processor: ${Math.round(messages / processorSeconds)} messages a second a core\n`,
)
