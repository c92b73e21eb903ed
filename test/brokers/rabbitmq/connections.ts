import amqp, { type ChannelModel } from 'amqplib'
import {
  type ConnectionOptions,
  type OpenConnection,
  ReconnectingConnection,
} from '../../../src/brokers/rabbitmq/connection/reconnecting-connection.ts'
import { Inbox } from '../../support/frames/inbox.ts'

/** Opens links to these nodes, quick to come back. */
export function linksTo(...urls: string[]): OpenConnection {
  return (options) => {
    const link = new ReconnectingConnection(urls, { ...options, timings: { retryCapMs: 200, closeMs: 300 } })
    link.open()
    return link
  }
}

/** A link that does nothing, and what it says about itself: `up`, or the sentence of `onDown`. */
export function watchLink(urls: string[], options: Partial<ConnectionOptions> = {}) {
  const said = new Inbox<string>('what the link says')
  const retries: string[] = []
  const link = linksTo(...urls)({
    purpose: 'test',
    establish: async () => {},
    onUp: () => said.push('up'),
    onDown: (reason) => said.push(reason),
    onRetry: (reason) => retries.push(reason),
    ...options,
  })
  return { link, said, retries }
}

/** The next so many. */
export async function take<T>(inbox: Inbox<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  while (taken.length < count) taken.push(await inbox.next())
  return taken
}

/** Somebody who knows nothing of Warren. */
export async function stranger(url: string): Promise<ChannelModel & AsyncDisposable> {
  const connection = await amqp.connect(url, { noDelay: true })
  connection.on('error', () => {})
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close().catch(() => {}) })
}
