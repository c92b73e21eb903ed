import client20 from 'socketcluster-client'
import client5 from 'socketcluster-client-5'
import client9 from 'socketcluster-client-9'
import client13 from 'socketcluster-client-13'
import client14 from 'socketcluster-client-14'
import client16 from 'socketcluster-client-16'
import client19 from 'socketcluster-client-19'
import { Inbox } from '../support/frames/inbox.ts'

export interface Status {
  readonly isAuthenticated: boolean
}

/**
 * A published SocketCluster client of any release, unmodified, behind one interface. It queues what
 * it receives.
 */
export interface LegacyClient extends Disposable {
  readonly connects: Inbox<Status>
  /** The close codes. */
  readonly disconnects: Inbox<number>
  readonly kickOuts: Inbox<{ channel: string; message: string }>
  readonly gaps: Inbox<unknown>
  /** The data of all its channels. */
  readonly received: Inbox<unknown>
  /** The name of each subscribed channel, again after a reconnect. */
  readonly subscribed: Inbox<string>
  readonly subscribeFails: Inbox<Error>
  readonly token: string | null
  subscribe(channel: string, options?: object): void
  unsubscribe(channel: string): void
  /** Publishes without an acknowledgement. */
  transmit(channel: string, data: unknown): void
  /** Resolves when it is acknowledged. */
  publish(channel: string, data: unknown): Promise<void>
  authenticate(token: string): Promise<boolean>
  deauthenticate(): Promise<void>
  invoke(event: string, data: unknown): Promise<unknown>
}

export interface Release {
  readonly name: string
  readonly protocol: 1 | 2
  connect(port: number): LegacyClient
}

/** Reconnects at once. */
const reconnection = { initialDelay: 20, randomness: 20, multiplier: 1, maxDelay: 100 }

function optionsFor(port: number): object {
  return { hostname: '127.0.0.1', port, multiplex: false, autoReconnectOptions: reconnection }
}

const callbackReleases = [
  ['5', client5],
  ['9', client9],
  ['13', client13],
  ['14', client14],
] as const
const streamReleases = [
  ['16', client16],
  ['19', client19],
  ['20', client20],
] as const

export const releases: readonly Release[] = [
  ...callbackReleases.map(
    ([major, client]): Release => ({
      name: `socketcluster-client ${major}`,
      protocol: 1,
      connect: (port) => overCallbacks(major, client.connect(optionsFor(port))),
    }),
  ),
  ...streamReleases.map(
    ([major, client]): Release => ({
      name: `socketcluster-client ${major}`,
      protocol: 2,
      connect: (port) => overStreams(major, client.create(optionsFor(port))),
    }),
  ),
]

function inboxes(major: string) {
  const of = <T>(what: string) => new Inbox<T>(`${what} of socketcluster-client ${major}`)
  return {
    connects: of<Status>('a connection'),
    disconnects: of<number>('a disconnection'),
    kickOuts: of<{ channel: string; message: string }>('a kick-out'),
    gaps: of<unknown>('a gap'),
    received: of<unknown>('a message'),
    subscribed: of<string>('a subscription'),
    subscribeFails: of<Error>('a refused subscription'),
  }
}

function overCallbacks(major: string, socket: CallbackSocket): LegacyClient {
  const boxes = inboxes(major)
  socket.on('connect', (status) => boxes.connects.push(status))
  socket.on('disconnect', (code) => boxes.disconnects.push(code))
  socket.on('kickOut', (message, channel) => boxes.kickOuts.push({ channel, message }))
  socket.on('gap', (gap) => boxes.gaps.push(gap))
  // Without a listener, errors are thrown.
  socket.on('error', () => {})
  const called = <T>(call: (callback: (error: Error | null, value?: T) => void) => void): Promise<T> =>
    new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value as T))))
  const watched = new Set<string>()
  return {
    ...boxes,
    get token() {
      return socket.getSignedAuthToken()
    },
    subscribe(name, options) {
      const channel = socket.subscribe(name, options)
      if (watched.has(name)) return
      watched.add(name)
      channel.on('subscribe', () => boxes.subscribed.push(name))
      channel.on('subscribeFail', (error) => boxes.subscribeFails.push(error))
      channel.watch((data) => boxes.received.push(data))
    },
    unsubscribe: (name) => socket.unsubscribe(name),
    transmit: (name, data) => socket.publish(name, data),
    publish: (name, data) => called<void>((callback) => socket.publish(name, data, callback)),
    authenticate: async (token) =>
      (await called<Status | undefined>((callback) => socket.authenticate(token, callback)))?.isAuthenticated ?? false,
    deauthenticate: () => called<void>((callback) => socket.deauthenticate(callback)),
    invoke: (event, data) => called((callback) => socket.emit(event, data, callback)),
    [Symbol.dispose]: () => socket.disconnect(),
  }
}

async function each<T>(stream: AsyncIterable<T>, listener: (item: T) => void): Promise<void> {
  for await (const item of stream) listener(item)
}

function overStreams(major: string, socket: StreamSocket): LegacyClient {
  const boxes = inboxes(major)
  void each(socket.listener('connect'), (status) => boxes.connects.push(status))
  void each(socket.listener('disconnect'), ({ code }) => boxes.disconnects.push(code))
  void each(socket.listener('kickOut'), (kickOut) => boxes.kickOuts.push(kickOut))
  void each(socket.receiver('gap'), (gap) => boxes.gaps.push(gap))
  void each(socket.listener('error'), () => {})
  const watched = new Set<string>()
  return {
    ...boxes,
    get token() {
      return socket.signedAuthToken
    },
    subscribe(name, options) {
      const channel = socket.subscribe(name, options)
      if (watched.has(name)) return
      watched.add(name)
      void each(channel.listener('subscribe'), () => boxes.subscribed.push(name))
      void each(channel.listener('subscribeFail'), ({ error }) => boxes.subscribeFails.push(error))
      void each(channel, (data) => boxes.received.push(data))
    },
    unsubscribe: (name) => socket.unsubscribe(name),
    transmit: (name, data) => void socket.transmitPublish(name, data),
    publish: (name, data) => socket.invokePublish(name, data),
    authenticate: async (token) => (await socket.authenticate(token)).isAuthenticated,
    deauthenticate: () => socket.deauthenticate(),
    invoke: (event, data) => socket.invoke(event, data),
    [Symbol.dispose]: () => socket.disconnect(),
  }
}
