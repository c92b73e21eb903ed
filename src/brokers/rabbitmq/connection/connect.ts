import amqp, { type ChannelModel } from 'amqplib'
import { asError } from '../../../core/model/error-text.ts'
import type { DeliveryReader } from '../message/delivery-reader.ts'
import type { BrokerAddress } from './address.ts'
import { readOpenRefusal, VirtualHostRefused } from './open-refusal.ts'
import { tlsOptionsOf } from './tls-files.ts'

/**
 * The node did not complete the handshake in time, whether or not it accepted the TCP connection.
 */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly afterMs: number

  constructor(afterMs: number) {
    super(`no answer within ${afterMs} ms`)
    this.afterMs = afterMs
  }
}

/**
 * Opens one connection. Aborting `cut` destroys its socket at any time. This is the only way to
 * drop a frozen peer, because amqplib's close waits for its answer. `deliveries` reads its messages
 * before amqplib does.
 */
export async function connect(
  address: BrokerAddress,
  connectionName: string,
  connectMs: number,
  cut: AbortController,
  deliveries?: DeliveryReader,
): Promise<ChannelModel> {
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    cut.abort()
  }, connectMs)
  const options = {
    // Without it, Nagle's algorithm and delayed acknowledgements make each confirm take 44 ms.
    noDelay: true,
    // amqplib decodes credentials in the URL with `unescape`, which breaks non-ASCII characters.
    credentials: address.external
      ? amqp.credentials.external()
      : amqp.credentials.plain(address.user, address.password),
    clientProperties: { connection_name: connectionName },
    // amqplib passes these to net.Socket together with the other options.
    signal: cut.signal,
    ...(deliveries ? { onread: deliveries.onread } : {}),
  }
  try {
    return await amqp.connect(address.url, { ...options, ...(await tlsOptionsOf(address)) })
  } catch (error) {
    if (timedOut) throw new NoAnswer(connectMs)
    if (/ConnectionOpenOk; got <ConnectionClose/.test(asError(error).message)) {
      throw new VirtualHostRefused(await readOpenRefusal(address, connectMs, cut.signal))
    }
    throw error
  } finally {
    clearTimeout(timer)
  }
}
