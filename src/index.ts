/** What other programs use: the layer through which every endpoint reaches a broker, and the errors that it answers with. */
export { type DistributorOptions, Distributor } from './distributor/distributor.ts'
export type { Driver, DriverClass, Subscription } from './distributor/driver.ts'
export type { Message, MessageProperties } from './core/message.ts'
export { type ErrorCode, GatewayError } from './errors.ts'
