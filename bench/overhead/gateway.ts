/**
 * One gateway of `bench:overhead`, on the broker in its own process: with metrics, or with an
 * observer that counts nothing.
 */
import { openApp } from '../../src/app/open.ts'
import { load } from '../../src/config/load/load.ts'
import { processInputs } from '../../src/config/load/process-inputs.ts'
import { DeliveryCounter } from '../../src/core/accounting/delivery-counter.ts'
import { createMetrics } from '../../src/observability/metrics.ts'

/** Neither adds nor reads the clock. */
class NoAccount extends DeliveryCounter {
  override match(): void {}
  override deliver(): void {}
  override drop(): void {}
}

const nothing = (): void => undefined
const account = new NoAccount(nothing)
const uncounted = {
  ...createMetrics(),
  messageReceived: nothing,
  messageRouted: nothing,
  eventsOf: () => account,
  executed: nothing,
  outboxBytes: nothing,
}

const { argv } = process
const app = await openApp(load(processInputs([])), argv.includes('--uncounted') ? { metrics: uncounted } : {})
const body = Buffer.from(JSON.stringify({ text: 'x'.repeat(180) }))
const properties = {
  contentType: 'application/json',
  ...(argv.includes('--traced') ? { headers: { traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` } } : {}),
}
process.on('message', (count: number) => {
  for (let number = 0; number < count; number += 1)
    void app.gateway.publish({ routingKey: 'client.all', body, properties })
})
process.send?.('listens')
