/** What the pages leave to the reader: names in their blocks that no block declares. */

declare function freshToken(): Promise<string>
declare function loadEverythingAgain(): Promise<void>
declare function handle(data: unknown): Promise<void>
declare function show(order: Order): void
declare interface Order {
  readonly id: number
}
declare const token: string
declare const passcode: string
/** A connection to RabbitMQ. */
declare const connection: never
declare const pubSub: import('graphql-amqp-subscriptions').AMQPPubSub

// Libraries that pages name and that this package does not depend on.
declare module 'socket.io-client'
declare module '@stomp/stompjs' {
  export class Client {
    constructor(options: { brokerURL: string; connectHeaders: Record<string, string> })
    onConnect: () => void
    subscribe(destination: string, receive: (message: { body: string }) => void): void
    activate(): void
  }
}
