/**
 * What other programs use: the layer through which every endpoint reaches a broker, and the errors
 * that it answers with.
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
