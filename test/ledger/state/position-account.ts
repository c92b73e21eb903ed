/** A time, in milliseconds since the epoch, and the time until which it was disturbed. */
export interface Disturbance {
  readonly from: number
  readonly to: number
}

export interface PositionEvent {
  readonly number: number
  readonly offset: number
  readonly at: number
}

/** One subscription with the position, without `after`. */
export interface PositionSubscription {
  readonly device: string
  /** When it began to connect. */
  readonly began: number
  readonly events: PositionEvent[]
  /** The places in `events` before which a gap was reported. */
  readonly gaps: number[]
  /** `lost`: its connection was cut, so that what was on the way is lost. */
  ended: { readonly how: 'taken' | 'left' | 'lost'; readonly at: number } | undefined
}

/** A place that the gateway acknowledged, or that it named in a list of the positions. */
export interface PositionPlace {
  readonly offset: number
  readonly asked: number
  /** Undefined: no answer came. */
  readonly answered: number | undefined
}

export interface PositionAccount {
  /** Of all its devices, in the order in which they began. */
  readonly subscriptions: readonly PositionSubscription[]
  readonly acks: readonly (PositionPlace & { readonly number: number })[]
  readonly listed: readonly PositionPlace[]
  /** When each number was first sent, by number. */
  readonly publishedAt: ReadonlyMap<number, number>
  /** When replicas, RabbitMQ or the database were away. */
  readonly disturbances: readonly Disturbance[]
  readonly acksDelivered: boolean
}

/**
 * How long the gateway may take to store an ack, and to end the older subscription, on a busy
 * machine.
 */
const settledMs = 5_000

/**
 * Checks docs/guides/positions.md: a subscription continues behind what was acked, nothing unacked
 * is passed over, a position never moves back, and one subscription has it.
 */
export function settlePosition(account: PositionAccount): string[] {
  return [...account.subscriptions.flatMap((one) => problemsOf(one, account)), ...movedBack(account)]
}

function problemsOf(subscription: PositionSubscription, account: PositionAccount): string[] {
  const { events, gaps, device, ended } = subscription
  const problems: string[] = []
  for (const [index, { number }] of events.entries()) {
    const before = events[index - 1]
    if (before && (gaps.includes(index) ? number <= before.number : number !== before.number + 1))
      problems.push(`${device} received ${number} after ${before.number}`)
  }
  const [first] = events
  if (first) {
    const passed = passedOver(first, subscription, account)
    if (passed !== undefined && !gaps.includes(0))
      problems.push(`${device} began with ${first.number}, and ${passed} was never acked${storyBefore(first, account)}`)
    const stored = storedBefore(subscription.began, account)
    if (stored !== undefined && first.offset <= stored.offset)
      problems.push(`${device} began with ${first.number}, offset ${first.offset}, and ${stored.offset} was stored`)
  }
  const late = receivedBeside(subscription, account)
  if (late) problems.push(`${device} received ${late.number} while another subscription had the position`)
  if (ended?.how === 'taken' && events.some(({ at }) => at > ended.at))
    problems.push(`${device} received an event after POSITION_TAKEN`)
  return problems
}

/** The last subscriptions before an event, for finding the cause of a failure. */
function storyBefore({ at }: PositionEvent, { subscriptions, acksDelivered }: PositionAccount): string {
  if (!acksDelivered) return ''
  const before = subscriptions.filter(({ began }) => began < at).slice(-5)
  const told = before.map(({ device, events, ended, gaps }) => {
    const numbers = `${events[0]?.number ?? 'nothing'} to ${events.at(-1)?.number ?? 'nothing'}`
    return `${device} ${numbers}, ${gaps.length} gaps, ${ended?.how ?? 'stays'}`
  })
  return ` (${told.join('; ')})`
}

/** The number that should have come instead of the first one. */
function passedOver(
  first: PositionEvent,
  subscription: PositionSubscription,
  { subscriptions, acks, acksDelivered }: PositionAccount,
): number | undefined {
  const handled = acks.filter(({ asked }) => asked <= first.at).map(({ number }) => number)
  if (acksDelivered) {
    const others = subscriptions.filter((one) => one !== subscription && one.began <= first.at)
    // What was handed to the connection of another device may arrive there later.
    const numbersOf = ({ events }: PositionSubscription) => events.filter(({ at }) => at <= first.at + settledMs)
    handled.push(...others.flatMap((one) => numbersOf(one).map(({ number }) => number)))
    const newest = Math.max(0, ...handled)
    const holder = others.findLast((one) => numbersOf(one).some(({ number }) => number === newest))
    // A cut connection may have lost what was handed to it. A client that leaves ignores what was
    // on the way. A gap is delivered as an event is.
    const mayHaveMore = ({ ended, events, gaps }: PositionSubscription) =>
      ended?.how === 'lost' || ended?.how === 'left' || gaps.includes(events.length)
    if (others.some((one) => mayHaveMore(one) && one.began >= (holder?.began ?? 0))) return undefined
  }
  const next = Math.max(0, ...handled) + 1
  return first.number > next ? next : undefined
}

/** The greatest place that certainly was in the database when the subscription began. */
function storedBefore(began: number, { acks, listed, disturbances }: PositionAccount): PositionPlace | undefined {
  const isCalm = (at: number) => disturbances.every(({ from, to }) => to < at || from > at + settledMs)
  const stored = [
    ...listed.filter(({ answered }) => answered !== undefined && answered < began),
    ...acks.filter(({ answered }) => answered !== undefined && answered + settledMs < began && isCalm(answered)),
  ]
  return stored.toSorted((one, other) => one.offset - other.offset).at(-1)
}

/** An event that was published and received when a later subscription had the position for long. */
function receivedBeside(
  subscription: PositionSubscription,
  { subscriptions, publishedAt, disturbances }: PositionAccount,
): PositionEvent | undefined {
  const later = subscriptions.slice(subscriptions.indexOf(subscription) + 1)
  return subscription.events.find(({ number, at }) => {
    const published = publishedAt.get(number) ?? 0
    const hadIt = later.find(({ events: [first] }) => first && first.at + settledMs < published)
    return hadIt && disturbances.every(({ from, to }) => to + settledMs < hadIt.began || from > at)
  })
}

function movedBack({ listed }: PositionAccount): string[] {
  return listed.flatMap((one) => {
    const before = listed.find(({ answered, offset }) => (answered ?? Infinity) < one.asked && offset > one.offset)
    return before ? [`the position moved back from offset ${before.offset} to ${one.offset}`] : []
  })
}
