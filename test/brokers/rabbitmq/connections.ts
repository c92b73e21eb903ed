import amqp, { type ChannelModel } from 'amqplib'
import {
  type ConnectionOptions,
  type OpenConnection,
  ReconnectingConnection,
} from '../../../src/brokers/rabbitmq/connection/reconnecting-connection.ts'
import { Inbox } from '../../support/frames/inbox.ts'

/** Opens connections to these nodes that reconnect fast. */
export function connectionsTo(...urls: string[]): OpenConnection {
  return (options) => {
    const reconnecting = new ReconnectingConnection(urls, { ...options, timings: { retryCapMs: 200, closeMs: 300 } })
    reconnecting.open()
    return reconnecting
  }
}

/** Opens an unused connection and queues its reports: `up`, or the sentence of `onDown`. */
export function watchConnection(urls: string[], options: Partial<ConnectionOptions> = {}) {
  const reports = new Inbox<string>('reports of the connection')
  const retries: string[] = []
  const reconnecting = connectionsTo(...urls)({
    purpose: 'test',
    establish: async () => {},
    onUp: () => reports.push('up'),
    onDown: (reason) => reports.push(reason),
    onRetry: (reason) => retries.push(reason),
    ...options,
  })
  return { reconnecting, reports, retries }
}

/** Takes the next `count` items. */
export async function take<T>(inbox: Inbox<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  while (taken.length < count) taken.push(await inbox.next())
  return taken
}

/** A plain amqplib connection, as a program without Warren has. */
export async function plainConnection(url: string): Promise<ChannelModel & AsyncDisposable> {
  const connection = await amqp.connect(url, { noDelay: true })
  connection.on('error', () => {})
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close().catch(() => {}) })
}
