import type { MessageProperties, Publication } from '../../core/model/message.ts'
import type { SourceDefinition } from '../../core/model/source.ts'

/** How often `messagesOf` is called, in milliseconds. */
export const tickMs = 250
/** Of one page of the catalogue, which fills the connection of the slow client. */
const pageBytes = 32 * 1024
/** How many pages are published at the start, and then in each second. */
const firstPages = 160
const pagesPerSecond = 0.7

/** How many pages of the catalogue exist at this tick. */
export function pagesAt(tick: number): number {
  if (tick <= 8) return 0
  const seconds = (tick * tickMs) / 1_000
  return Math.min(firstPages, (tick - 8) * 16) + Math.floor(seconds * pagesPerSecond)
}
/** After so many messages with a mistake of each kind, no further one is published. */
const maxMistakes = 200

const broker = { buffered: false } as const
/** Where the messages of the shop come from. */
export const shopSources: readonly SourceDefinition[] = [
  {
    ...broker,
    exchange: 'shop.orders',
    exchangeType: 'TOPIC',
    routingKey: 'orders.*.*',
    clientId: { bodyPointer: '/customer/id' },
  },
  {
    ...broker,
    exchange: 'shop.couriers',
    exchangeType: 'TOPIC',
    routingKey: 'position.*',
    clientId: { fixed: 'dispatch' },
  },
  {
    ...broker,
    exchange: 'shop.returns',
    exchangeType: 'TOPIC',
    routingKey: 'returns.#',
    clientId: { header: 'customer-id' },
  },
  { ...broker, exchange: 'shop.notices', exchangeType: 'TOPIC', routingKey: 'notice.{clientId}', clientId: undefined },
  { ...broker, exchange: 'shop.catalogue', exchangeType: 'FANOUT', routingKey: '', clientId: { fixed: 'tablet-17' } },
]

/** Erin has no connection: nothing of hers has a subscriber. */
const customers = ['alice', 'bob', 'carol', 'dave', 'erin']
const regions = ['eu', 'us', 'asia']
const statuses = ['CREATED', 'PAID', 'SHIPPED']
export const couriers = ['c-1', 'c-2', 'c-3']

/** The order that did not reach Alice, because its body names no customer id. */
export const lostOrder = 17

/** What the shop publishes at the nth tick: about eight messages a second. */
export function messagesOf(tick: number, now: Date): Publication[] {
  const messages = [orderStep(tick, now)]
  if (tick % 4 === 0) messages.push(...couriers.map((courier, index) => position(courier, tick / 4 + index * 40)))
  if (tick % 16 === 2) messages.push(cataloguePage(tick))
  if (tick % 20 === 5) messages.push(...parcelSteps(tick))
  if (tick % 16 === 6) messages.push(returned(tick))
  if (tick % 40 === 9) messages.push(notice('alice', 'a parcel is on its way', tick))
  if (tick / 48 < maxMistakes) messages.push(...mistakes(tick, now))
  return messages
}

/** One order is created every half second, paid two seconds later and then shipped. */
function orderStep(tick: number, now: Date): Publication {
  const step = tick % 2 === 0 ? 0 : tick % 4 === 1 ? 1 : 2
  const number = Math.max(1, Math.floor(tick / 2) + 1 - step * 4)
  const id = customers[number % customers.length] ?? 'alice'
  const region = regions[number % regions.length] ?? 'eu'
  const status = statuses[step] ?? 'CREATED'
  const customer = number === lostOrder ? { name: 'Alice' } : { id, name: id }
  const order = { id: `o-${number}`, customer, status, total: 10 + (number % 90) / 2, placedAt: now.toISOString() }
  const word = status.toLowerCase()
  return json('shop.orders', `orders.${region}.${word}`, order, {
    messageId: `order-${number}-${word}`,
    type: `order.${word}`,
  })
}

/** Each courier rides around a block of Amsterdam in two minutes. */
function position(courier: string, second: number): Publication {
  const angle = (second % 120) * (Math.PI / 60)
  const degrees = (value: number) => Math.round(value * 1e5) / 1e5
  return json('shop.couriers', `position.${courier}`, {
    courier,
    latitude: degrees(52.3731 + 0.01 * Math.sin(angle)),
    longitude: degrees(4.8922 + 0.016 * Math.cos(angle)),
    speed: 4 + (second % 5),
  })
}

export function cataloguePage(number: number): Publication {
  const line = `article ${number}: a long description of something that one tablet reads slowly. `
  const text = line.repeat(Math.ceil(pageBytes / line.length)).slice(0, pageBytes)
  return json('shop.catalogue', '', { page: number, text }, { messageId: `catalogue-${number}` })
}

function parcelSteps(tick: number): Publication[] {
  const id = `p-${(tick / 20) % 3 < 1 ? 1 : 2}`
  return [
    json('shop.parcels', `parcel.${id}.packed`, { id, weight: 1.2 }, { type: 'parcel.packed' }),
    json('shop.parcels', `parcel.${id}.delivered`, { id, signedBy: 'the neighbour' }, { type: 'parcel.delivered' }),
  ]
}

/** Every third one lacks the header that names the customer. */
function returned(tick: number): Publication {
  const headers = tick % 48 === 22 ? {} : { 'customer-id': 'bob' }
  return json('shop.returns', 'returns.eu', { parcel: 'p-2' }, { headers, messageId: `return-${tick}` })
}

function notice(clientId: string, text: string, tick: number): Publication {
  return json('shop.notices', `notice.${clientId}`, { text }, { messageId: `notice-${tick}` })
}

/** Messages that go wrong, each kind every twelve seconds. */
function mistakes(tick: number, now: Date): Publication[] {
  const id = `${Math.floor(tick / 48)}`
  const guest = { id: `g-${id}`, customer: null, status: 'CREATED', total: 5, placedAt: now.toISOString() }
  switch (tick % 48) {
    case 3:
      return [json('shop.orders', 'orders.eu.created', guest, { messageId: `guest-order-${id}` })]
    case 11:
      return [raw('shop.orders', 'orders.eu.created', 'order by telephone: two teapots', 'text/plain', `phone-${id}`)]
    case 19:
      return [raw('shop.notices', 'notice.alice', '{"text": "cut off in the mid', 'application/json', `broken-${id}`)]
    case 27:
      return [
        json(
          'shop.orders',
          'orders.eu.paid',
          { ...guest, customer: { id: 'alice' }, total: 'a lot' },
          { messageId: `total-${id}` },
        ),
      ]
    case 35: {
      const twice = notice('bob', 'published twice by a careful publisher', tick)
      return [twice, twice]
    }
    default:
      return []
  }
}

function json(exchange: string, routingKey: string, body: unknown, properties: MessageProperties = {}): Publication {
  return {
    exchange,
    routingKey,
    body: Buffer.from(JSON.stringify(body)),
    properties: { contentType: 'application/json', ...properties },
  }
}

function raw(exchange: string, routingKey: string, text: string, contentType: string, messageId: string): Publication {
  return { exchange, routingKey, body: Buffer.from(text), properties: { contentType, messageId } }
}
