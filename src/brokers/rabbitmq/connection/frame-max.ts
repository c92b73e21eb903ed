import type { ChannelModel } from './amqp.ts'

/**
 * The largest frame that the connection allows, in bytes. amqplib negotiates it, but its types omit
 * it. 0 means no limit.
 */
export function frameMaxOf({ connection }: ChannelModel): number {
  const { frameMax } = connection as unknown as { readonly frameMax?: unknown }
  return typeof frameMax === 'number' && frameMax > 0 ? frameMax : Number.POSITIVE_INFINITY
}
