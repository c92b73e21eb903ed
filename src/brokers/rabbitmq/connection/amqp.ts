/** Re-exports what Warren uses of amqplib. Nothing outside this folder imports the package. */
export type {
  Channel,
  ChannelModel,
  ConfirmChannel,
  ConsumeMessage,
  GetMessage,
  Message as AmqpMessage,
  Options,
} from 'amqplib'
export { IllegalOperationError } from 'amqplib'
