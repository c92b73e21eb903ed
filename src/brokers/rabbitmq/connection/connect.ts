import amqp, { type ChannelModel } from 'amqplib'
import { asError } from '../../../core/model/error-text.ts'
import type { DeliveryReader } from '../message/delivery-reader.ts'
import type { BrokerAddress } from './address.ts'
import { askWhyOpenIsRefused, VirtualHostRefused } from './open-refusal.ts'
import { tlsOptionsOf } from './tls-files.ts'

/** The node took the TCP connection or didn't, and said nothing in time. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly afterMs: number

  constructor(afterMs: number) {
    super(`no answer within ${afterMs} ms`)
    this.afterMs = afterMs
  }
}

/**
 * Opens one connection. `cut` destroys its socket at any time from here on, which is the only way
 * to be rid of a peer that has frozen: amqplib's own close waits for its answer. Messages for
 * `deliveries` don't come to amqplib.
 */
export async function connect(
  address: BrokerAddress,
  connectionName: string,
  connectMs: number,
  cut: AbortController,
  deliveries?: DeliveryReader,
): Promise<ChannelModel> {
  let silent = false
  const timer = setTimeout(() => {
    silent = true
    cut.abort()
  }, connectMs)
  const options = {
    // Else Nagle's algorithm and delayed acknowledgements make it 44 ms a confirm.
    noDelay: true,
    // From the URL amqplib would read them with `unescape`, which breaks all but ASCII.
    credentials: address.external
      ? amqp.credentials.external()
      : amqp.credentials.plain(address.user, address.password),
    clientProperties: { connection_name: connectionName },
    // These reach net.Socket, as the other options do.
    signal: cut.signal,
    ...(deliveries ? { onread: deliveries.onread } : {}),
  }
  try {
    return await amqp.connect(address.url, { ...options, ...(await tlsOptionsOf(address)) })
  } catch (error) {
    if (silent) throw new NoAnswer(connectMs)
    if (/ConnectionOpenOk; got <ConnectionClose/.test(asError(error).message)) {
      throw new VirtualHostRefused(await askWhyOpenIsRefused(address, connectMs, cut.signal))
    }
    throw error
  } finally {
    clearTimeout(timer)
  }
}
