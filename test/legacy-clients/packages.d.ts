/**
 * The packages have no types; this is what the tests call. Releases up to 14 use callbacks, those
 * from 16 on streams.
 */
interface CallbackChannel {
  on(event: 'subscribe', listener: () => void): void
  on(event: 'subscribeFail', listener: (error: Error) => void): void
  watch(listener: (data: unknown) => void): void
}

interface CallbackSocket {
  on(event: 'connect', listener: (status: ConnectStatus) => void): void
  on(event: 'disconnect', listener: (code: number) => void): void
  on(event: 'error', listener: (error: Error) => void): void
  on(event: 'kickOut', listener: (message: string, channel: string) => void): void
  on(event: 'gap', listener: (data: unknown) => void): void
  authenticate(token: string, callback: (error: Error | null, status: ConnectStatus | undefined) => void): void
  deauthenticate(callback: (error: Error | null) => void): void
  getSignedAuthToken(): string | null
  subscribe(channel: string, options?: object): CallbackChannel
  unsubscribe(channel: string): void
  publish(channel: string, data: unknown, callback?: (error: Error | null) => void): void
  emit(event: string, data: unknown, callback: (error: Error | null, data: unknown) => void): void
  disconnect(): void
}

interface StreamChannel extends AsyncIterable<unknown> {
  listener(event: 'subscribe'): AsyncIterable<unknown>
  listener(event: 'subscribeFail'): AsyncIterable<{ error: Error }>
}

interface StreamSocket {
  listener(event: 'connect'): AsyncIterable<ConnectStatus>
  listener(event: 'disconnect'): AsyncIterable<{ code: number }>
  listener(event: 'error'): AsyncIterable<{ error: Error }>
  listener(event: 'kickOut'): AsyncIterable<{ channel: string; message: string }>
  receiver(event: string): AsyncIterable<unknown>
  authenticate(token: string): Promise<ConnectStatus>
  deauthenticate(): Promise<void>
  readonly signedAuthToken: string | null
  subscribe(channel: string, options?: object): StreamChannel
  unsubscribe(channel: string): void
  transmitPublish(channel: string, data: unknown): Promise<void>
  invokePublish(channel: string, data: unknown): Promise<void>
  invoke(event: string, data: unknown): Promise<unknown>
  disconnect(): void
}

interface ConnectStatus {
  readonly isAuthenticated: boolean
  readonly authError?: Error | null
}

declare module 'socketcluster-client-5' {
  const client: { connect(options: object): CallbackSocket }
  export default client
}
declare module 'socketcluster-client-9' {
  const client: { connect(options: object): CallbackSocket }
  export default client
}
declare module 'socketcluster-client-13' {
  const client: { connect(options: object): CallbackSocket }
  export default client
}
declare module 'socketcluster-client-14' {
  const client: { connect(options: object): CallbackSocket }
  export default client
}
declare module 'socketcluster-client-16' {
  const client: { create(options: object): StreamSocket }
  export default client
}
declare module 'socketcluster-client-19' {
  const client: { create(options: object): StreamSocket }
  export default client
}
declare module 'socketcluster-client' {
  const client: { create(options: object): StreamSocket }
  export default client
}
