import { afterAll, beforeAll, expect, test } from '@jest/globals'
import amqp, { type ConfirmChannel } from 'amqplib'
import { WebSocket } from 'ws'
import { publisherLimits } from '../../src/brokers/rabbitmq/publish/publisher.ts'
import type { Gateway } from '../../src/core/gateway.ts'
import { JournalListener } from '../../src/core/journal-listener.ts'
import { printCursor } from '../../src/core/model/cursor.ts'
import type { Session } from '../../src/core/sessions/session.ts'
import { GatewayError } from '../../src/errors.ts'
import { eventually } from '../support/eventually.ts'
import { textOf } from '../support/frames/frames.ts'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { type TestVhost, testVhost } from '../support/rabbitmq/broker.ts'
import { repetitions } from '../support/repetitions.ts'

const KiB = 1_024
const MiB = KiB * KiB

const windowBytes = 2 * MiB
const bufferedBytes = MiB
/**
 * One message in twenty goes to the stalled client, together more than the socket buffers of the
 * system hold for it.
 */
const backlog = repetitions(20_000, 100_000)
const stalledEvery = 20
const stalledBytes = repetitions(12, 4) * KiB
/** The others go to these in turn, and the clients of some reconnect all at once. */
const channels = 1_000
const stormClients = 200
const behind = (backlog - backlog / stalledEvery) / channels
const publications = 640
const publicationBytes = 64 * KiB
/**
 * Next to the buffers: V8's uncollected garbage, and the clients of this test in the same process.
 */
const roomForGrowth = 300 * MiB
/** Reading the RSS costs more than reading the counters. */
const recordsPerRss = 1_000

let vhost: TestVhost
let opened: InProcessGateway
const measured: string[] = []

beforeAll(async () => {
  vhost = await testVhost('memory')
  opened = await openGateway({
    WARREN_BROKER_URL: vhost.url,
    WARREN_HOT_WINDOW: `1m,${windowBytes / MiB}MiB`,
    WARREN_MAX_BUFFERED_BYTES: `${bufferedBytes / KiB}KiB`,
  })
  await eventually('the gateway to be ready', () => opened.gateway.up)
})

// oxlint-disable-next-line typescript/unbound-method -- called below with `this` set
const { onMessage } = JournalListener.prototype

afterAll(async () => {
  JournalListener.prototype.onMessage = onMessage
  await opened?.close()
  await vhost?.close()
  if (process.env['SHOW_MEASURED'] !== undefined) console.log(measured.join('\n'))
})

/**
 * The maxima of what was held, updated at every change: a message from the journal, an event for a
 * client, a publication.
 */
interface Peaks {
  window: number
  publications: number
  session: number
  catchingUp: number
  rss: number
  /** How many messages came from the journal. */
  messages: number
}

function watchPeaks(gateway: Gateway): Readonly<Peaks> {
  const peaks: Peaks = { window: 0, publications: 0, session: 0, catchingUp: 0, rss: 0, messages: 0 }
  let records = 0
  const record = (session?: Session): void => {
    const { bufferedBytes: held } = gateway
    peaks.window = Math.max(peaks.window, held.window)
    peaks.publications = Math.max(peaks.publications, held.publications)
    peaks.session = Math.max(peaks.session, session?.bufferedBytes ?? 0)
    peaks.catchingUp = Math.max(peaks.catchingUp, gateway.catchingUp)
    records += 1
    if (records % recordsPerRss === 0) peaks.rss = Math.max(peaks.rss, process.memoryUsage.rss())
  }
  JournalListener.prototype.onMessage = function (message) {
    onMessage.call(this, message)
    peaks.messages += 1
    record()
  }
  const publish = gateway.publish.bind(gateway)
  gateway.publish = (publication) => {
    const answer = publish(publication)
    record()
    return answer
  }
  const openSession = gateway.openSession.bind(gateway)
  gateway.openSession = (options) => {
    const session = openSession(options)
    const subscribe = session.subscribe.bind(session)
    session.subscribe = (...wanted) => {
      const added = subscribe(...wanted)
      const deliver = added.deliver.bind(added)
      added.deliver = (event) => {
        deliver(event)
        record(session)
      }
      return added
    }
    return session
  }
  return peaks
}

const query = `subscription ($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after) { kind cursor data }
}`

interface Payload {
  readonly data?: { readonly channel: { readonly cursor: string; readonly data: unknown } } | null
}

interface Listening {
  readonly socket: WebSocket
  readonly hadFirst: Promise<void>
  readonly hadAll: Promise<void>
  /** The last number that the client has received, and its cursor. */
  readonly place: { number: number; cursor: string }
}

/** Expects the numbers after a position in order, up to the last, and nothing else. */
function listen(token: string, clientId: string, behind: Listening['place'], count: number): Listening {
  const socket = new WebSocket(opened.graphqlSocketUrl, 'graphql-transport-ws')
  const place = { ...behind }
  let first = (): void => {}
  const hadFirst = new Promise<void>((resolve) => {
    first = resolve
  })
  const hadAll = new Promise<void>((resolve, reject) => {
    const send = (frame: object): void => socket.send(JSON.stringify(frame))
    socket.on('error', reject)
    socket.on('close', (code) => reject(new Error(`${clientId} was closed with ${code} behind ${place.number}`)))
    socket.on('open', () => send({ type: 'connection_init', payload: { token } }))
    socket.on('message', (data) => {
      const frame = JSON.parse(textOf(data)) as { type: string; payload?: Payload }
      if (frame.type === 'connection_ack') {
        send({ id: '1', type: 'subscribe', payload: { query, variables: { clientId, after: place.cursor } } })
      } else if (frame.type === 'next') {
        const event = frame.payload?.data?.channel
        const number = Number.parseInt(String(event?.data), 10)
        if (number !== place.number + 1)
          reject(new Error(`${clientId}: behind ${place.number} came ${textOf(data).slice(0, 500)}`))
        place.number = number
        place.cursor = event?.cursor ?? ''
        first()
        if (number === count) resolve()
      }
    })
  })
  // Callers await it; the stalled client may be cut off.
  hadAll.catch(() => {})
  return { socket, hadFirst, hadAll, place }
}

/**
 * Publishes a part of the backlog; each body begins with its number on its channel. `readUpTo` is
 * awaited now and then with how many are published.
 */
async function publishBacklog(
  channel: ConfirmChannel,
  from: number,
  to: number,
  readUpTo: (published: number) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  for (let index = from; index < to; index += 1) {
    const number = Math.floor(index / stalledEvery)
    const storming = index - number - 1
    const [clientId, text] =
      index % stalledEvery === 0
        ? ['stalled', `${number + 1} `.padEnd(stalledBytes, '.')]
        : [`c${storming % channels}`, String(Math.floor(storming / channels) + 1)]
    channel.publish('warren.events', `client.${clientId}`, Buffer.from(JSON.stringify(text)))
    if (index % 1_000 !== 999) continue
    await channel.waitForConfirms()
    await readUpTo(index + 1)
  }
  await channel.waitForConfirms()
}

/**
 * Publishes more at once than the publishing buffer holds. Resolves to the number of refusals, the
 * buffer's named overflow.
 */
async function publishTooMuch(gateway: Gateway): Promise<number> {
  const body = Buffer.from(JSON.stringify('x'.repeat(publicationBytes)))
  const publication = { exchange: 'warren.events', routingKey: 'client.unused', body, properties: {} }
  const answers = await Promise.allSettled(Array.from({ length: publications }, () => gateway.publish(publication)))
  const refusals = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []))
  for (const refusal of refusals) expect(refusal).toBeInstanceOf(GatewayError)
  return refusals.length
}

test('the window, queued events and publications stay within their limits while a client stalls, others reconnect at once and a backlog arrives', async () => {
  const { gateway } = opened
  const start = { number: 0, cursor: printCursor(await gateway.position()) }
  const connection = await amqp.connect(vhost.url)
  const channel = await connection.createConfirmChannel()
  const before = process.memoryUsage.rss()
  const peaks = watchPeaks(gateway)

  const token = await opened.clientToken('stalled')
  const stalled = listen(token, 'stalled', start, backlog / stalledEvery)
  void stalled.hadFirst.then(() => stalled.socket.pause())
  // On a busy machine, a gateway that falls behind the publisher reads pages of the journal for the
  // stalled client, which never fill its buffer.
  await publishBacklog(channel, 0, backlog / 2, (published) =>
    eventually('the gateway to read what is published', () => peaks.messages >= published),
  )
  const began = Date.now()
  const tokens = await Promise.all(Array.from({ length: stormClients }, (_, index) => opened.clientToken(`c${index}`)))
  const storm = tokens.map((each, index) => listen(each, `c${index}`, start, behind))
  const rest = publishBacklog(channel, backlog / 2, backlog)
  const refused = await publishTooMuch(gateway)
  await rest
  await Promise.all(storm.map(({ hadAll }) => hadAll))
  const stormed = Date.now() - began
  // It must have stalled, because otherwise its buffer would not have been full.
  expect(peaks.session).toBeGreaterThan(bufferedBytes / 2)
  // A client that answers no pings for long is cut off, and resumes like any other.
  stalled.socket.terminate()
  const back = listen(token, 'stalled', stalled.place, backlog / stalledEvery)
  await back.hadAll

  expect(peaks.catchingUp).toBeGreaterThan(stormClients / 2)
  expect(refused).toBeGreaterThan(0)
  expect(peaks.window).toBeGreaterThan(windowBytes / 2)
  expect(peaks.window).toBeLessThanOrEqual(windowBytes)
  // A subscription queues a whole event as long as it has any room.
  expect(peaks.session).toBeLessThanOrEqual(bufferedBytes + stalledBytes * 2)
  expect(peaks.publications).toBeGreaterThan(publisherLimits.bufferBytes / 2)
  expect(peaks.publications).toBeLessThanOrEqual(publisherLimits.bufferBytes)
  expect(peaks.rss - before).toBeLessThan(roomForGrowth)
  measured.push(JSON.stringify({ ...peaks, before, refused, stormed, all: Date.now() - began }))
  for (const { socket } of [back, ...storm]) socket.terminate()
  await connection.close()
})
