/**
 * The whole gateway, opened as `warren start` opens it, on the broker in its own process, so that
 * messages are published in its process as in the others. For RabbitMQ it is started as users start
 * it.
 */
import { openApp } from '../../src/app/open.ts'
import { load } from '../../src/config/load/load.ts'
import { processInputs } from '../../src/config/load/process-inputs.ts'
import { openSource, printListening } from './source.ts'

const app = await openApp(load(processInputs([])))
const properties = { contentType: 'application/json' }
const control = await openSource((channel, { json }) => {
  void app.gateway.publish({ routingKey: `client.${channel}`, body: Buffer.from(json), properties })
})
const http = app.endpoints.find(({ url }) => url.startsWith('ws:'))
printListening(Number(new URL(http?.url ?? '').port), control)
