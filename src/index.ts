/**
 * The public API for other programs: the layer that connects every endpoint to a broker, and its
 * errors.
 */

export {
  type DistributorExchange,
  type Driver,
  type DriverClass,
  type DriverOptions,
  type Receive,
  type SubscribeOptions,
  type Subscription,
  Undeliverable,
} from './brokers/driver.ts'
export type { Message, MessageProperties } from './core/model/message.ts'
export { Distributor, type DistributorOptions } from './distributor/distributor.ts'
export { type ErrorCode, GatewayError } from './errors.ts'
