/**
 * What it costs to fold typed messages into keyed state in SQLite. `npm run bench:state -- [keys]
 * [changes of each key]`. A journal without a broker gives messages to the fold of a gateway as fast
 * as it takes them: first one of each key, then changes of keys in an order that no cache helps.
 * Figures are of the processor time of the process, validation of the messages included.
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { argv, cpuUsage, resourceUsage, stdout } from 'node:process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { maxDecodedBytes } from '../src/core/body/decode-body.ts'
import type { JournalMessage } from '../src/core/model/message.ts'
import type { Journal } from '../src/core/ports/journal.ts'
import { StateCounters } from '../src/core/state/state-counters.ts'
import { StateFolder } from '../src/core/state/state-folder.ts'
import { pause } from '../src/core/timing/pause.ts'
import { EventFields } from '../src/events/serving/event-fields.ts'
import { openEmbeddedStateStore } from '../src/registries/state/embedded-state-store.ts'
import { schemaOf } from '../test/events/sdl/reading.ts'
import { newFolder, removeFolder } from '../test/support/processes/run-folder.ts'

const keys = Number(argv[2] ?? 1_000_000)
const rounds = 1 + Number(argv[3] ?? 1)
/** As the journals of the gateway: entries that a scan visits before it yields to other work. */
const sliceEntries = 1_000
/** Neighbours in the journal have keys that are far apart. */
const step = stepFor(keys)

function stepFor(count: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
  let found = Math.floor(count * 0.618)
  while (divisor(found, count) > 1) found += 1
  return found
}

function entryAt(offset: number): JournalMessage {
  const id = (offset * step) % keys
  const body = `{"id":"order-${id}","customerId":"c${id % 1_000}","status":"PAID","total":${offset / 100}}`
  return {
    offset,
    mark: false,
    exchange: 'orders',
    routingKey: 'orders.eu',
    body: Buffer.from(body),
    properties: { contentType: 'application/json', messageId: `m${offset}` },
    redelivered: false,
    receivedAt: 1_700_000_000_000,
  }
}

/** Entries up to `end`, which grows. */
let end = 0
const journal: Journal = {
  repeats: false,
  open: () => {},
  mark: async () => {},
  offsetAt: async () => undefined,
  close: async () => {},
  async scan(offset, visit, signal) {
    for (let at = offset; !signal.aborted; ) {
      for (let left = sliceEntries; left > 0 && at < end; left -= 1, at += 1) if (!visit(entryAt(at))) return
      await (at < end ? nextTurn() : pause(10))
    }
  },
}

const { schema } = schemaOf(`
type Subscription {
  orders(customerId: ID!): Order @events(exchange: "orders", routingKey: "orders.#") @state(key: "/id")
}
type Order { id: ID!  customerId: ID!  status: String!  total: Float! }
`)
const { states } = new EventFields(schema, { decoders: {}, maxDecodedBytes, count: () => undefined })
const definition = states.get('orders')
if (!definition) throw new Error('the schema has no keyed state')

const dataDir = newFolder()
const store = await openEmbeddedStateStore(dataDir)
const folder = new StateFolder({
  journal,
  store,
  replica: 'bench',
  observer: { log: (_level, text) => stdout.write(`${text}\n`) },
  definitions: () => [definition],
  epoch: () => '0011223344556677',
  lastOffset: () => end - 1,
  cursorOf: () => '',
  onInvalid: () => undefined,
  counters: new StateCounters(),
  limits: { maxStateKeys: keys, maxStateBytes: Number.MAX_SAFE_INTEGER },
})

const loop = monitorEventLoopDelay({ resolution: 10 })
const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MiB`

/** Folds one message of each key. */
async function foldRound(name: string): Promise<void> {
  loop.reset()
  const began = performance.now()
  const used = cpuUsage()
  end += keys
  while ((folder.folds[0]?.head.place?.offset ?? -1) < end - 1) await pause(20)
  const { user, system } = cpuUsage(used)
  const seconds = (user + system) / 1e6
  const cells = [
    name,
    Math.round(keys / seconds),
    ((seconds / keys) * 1e6).toFixed(1),
    ((performance.now() - began) / 1_000).toFixed(1),
    `${Math.round(loop.max / 1e6)} ms`,
    mebibytes(process.memoryUsage.rss()),
  ]
  stdout.write(`| ${cells.join(' | ')} |\n`)
}

stdout.write(
  `| ${keys} messages | messages a second a core | µs a message | seconds | longest turn | resident |\n|---|---|---|---|---|---|\n`,
)
folder.open()
loop.enable()
for (let round = 0; round < rounds; round += 1) await foldRound(round === 0 ? 'new keys' : 'changes')
const head = await store.head(definition.id)
if (head?.keys !== keys) throw new Error(`expected ${keys} keys, got ${head?.keys}`)
await folder.close()
await store.close()
const file = statSync(join(dataDir, 'warren-state.db')).size
removeFolder(dataDir)
stdout.write(`\n${mebibytes(resourceUsage().maxRSS * 1024)} resident at most, a file of ${mebibytes(file)}\n`)
