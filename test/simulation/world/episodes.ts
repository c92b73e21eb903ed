import type { Choices } from '../time/seeded.ts'
import type { Action, ClientScript, Settings } from './script.ts'

/** What a script has drawn before. An episode adds to it. */
export interface Drawn {
  readonly random: Choices
  readonly settings: Settings
  readonly clients: readonly ClientScript[]
  readonly lengthMs: number
}

interface Episode {
  readonly actions: readonly Action[]
  readonly lastsMs: number
}

/** The source that is buffered: see `extraSources`. */
const bufferedSource = 2

/**
 * Several faults in an order that is too rare by chance, at times that are drawn. Each is a story
 * of docs/delivery.md.
 */
const episodes: readonly ((drawn: Drawn) => Episode)[] = [
  cutOffAndAhead,
  overtakenWhileCutOff,
  confirmsLost,
  moverKilled,
  stalledOverAnOutage,
  repeatedLate,
  repeatedThroughBuffer,
]

/** An episode for a small part of the seeds. */
export function episodeOf(drawn: Drawn): Episode | undefined {
  const { random } = drawn
  return random.chance(0.18) ? random.pick(episodes)(drawn) : undefined
}

/** Clients come to a replica that is cut off with cursors of another one. */
function cutOffAndAhead(drawn: Drawn): Episode {
  const { random, lengthMs } = drawn
  const at = lengthMs
  return {
    actions: [
      cutOff(drawn, at, random.whole(6_500, 9_000)),
      burst(drawn, at + 300, { count: 8, everyMs: 50, by: -1 }),
      ...cutAll(drawn, at + 800, () => random.whole(1, 500)),
    ],
    lastsMs: 10_000,
  }
}

/** Retention overtakes the tail of a replica, and then clients come with older cursors. */
function overtakenWhileCutOff(drawn: Drawn): Episode {
  const { random, lengthMs } = drawn
  const at = lengthMs
  return {
    actions: [
      burst(drawn, at, { count: 12, everyMs: 5, by: -1 }),
      ...cutAll(drawn, at + 30, () => random.whole(1_700, 3_500)),
      cutOff(drawn, at + 150, 1_500),
      burst(drawn, at + 300, { count: 6, everyMs: 5, by: -1 }),
      { at: at + 900, kind: 'trim', segments: 1 },
      burst(drawn, at + 1_000, { count: 4, everyMs: 5, by: -1 }),
    ],
    lastsMs: 4_000,
  }
}

/** RabbitMQ has stored what a replica publishes, and its confirms are lost. */
function confirmsLost(drawn: Drawn): Episode {
  const { random, settings, lengthMs } = drawn
  const replica = random.whole(0, settings.replicas - 1)
  const forMs = random.whole(500, 2_000)
  return {
    actions: [
      { at: lengthMs, kind: 'partition', replica, up: false, down: true, forMs },
      burst(drawn, lengthMs + 100, { count: 5, everyMs: 50, by: replica }),
    ],
    lastsMs: 4_000,
  }
}

/**
 * Confirms come so late that a back end publishes again under the same keys, long after the first
 * copies and behind other messages.
 */
function repeatedLate(drawn: Drawn): Episode {
  const { random, lengthMs: at } = drawn
  return {
    actions: [
      { at, kind: 'confirms-slow', byMs: random.whole(5_500, 7_000), forMs: 1_000 },
      { ...burst(drawn, at + 100, { count: 5, everyMs: 50, by: -1 }), keyed: true },
      { ...burst(drawn, at + 1_100, { count: 12, everyMs: 300, by: -1 }), noId: false },
    ],
    lastsMs: 9_000,
  }
}

/** The same to a buffered source, where the id of a message is enough. */
function repeatedThroughBuffer(drawn: Drawn): Episode {
  const { random, lengthMs: at } = drawn
  return {
    actions: [
      { at: 500, kind: 'source', replica: 0, index: bufferedSource },
      { at, kind: 'confirms-slow', byMs: random.whole(5_500, 7_000), forMs: 1_000 },
      {
        ...burst(drawn, at + 100, { count: 5, everyMs: 50, by: -1 }),
        via: bufferedSource,
        keyed: false,
        noId: false,
      },
    ],
    lastsMs: 9_000,
  }
}

/** A replica is killed while it moves messages of a buffered source. */
function moverKilled(drawn: Drawn): Episode {
  const { random, settings, lengthMs } = drawn
  const replica = random.whole(0, settings.replicas - 1)
  return {
    actions: [
      { at: 500, kind: 'source', replica: 0, index: bufferedSource },
      { ...burst(drawn, lengthMs, { count: 40, everyMs: 1, by: -1 }), via: bufferedSource },
      { at: lengthMs + random.whole(5, 120), kind: 'replica-kill', replica, awayMs: random.whole(20, 500) },
    ],
    lastsMs: 2_000,
  }
}

/** A client reads nothing for long, and reads on while its replica is cut off. */
function stalledOverAnOutage(drawn: Drawn): Episode {
  const { random, settings, clients, lengthMs } = drawn
  const client = random.whole(0, clients.length - 1)
  const channel = clients[client]?.channel ?? 0
  const stalledMs = random.whole(16_000, 18_000)
  const cutAt = lengthMs + stalledMs - 500
  const partition = { kind: 'partition', up: true, down: true, forMs: 3_000 } as const
  return {
    actions: [
      { at: lengthMs, kind: 'client-stall', client, forMs: stalledMs },
      { ...burst(drawn, lengthMs + 100, { count: 60, everyMs: 1, by: -1 }), channel, bytes: 200 },
      ...Array.from({ length: settings.replicas }, (_, replica) => ({ at: cutAt, replica, ...partition })),
      { ...burst(drawn, cutAt + 500, { count: 5, everyMs: 200, by: -1 }), channel },
    ],
    lastsMs: 23_000,
  }
}

/**
 * A replica that folds cannot reach the database for longer than its lease, while messages come,
 * retention removes some, and clients come back with older cursors.
 */
export function leaseLost(drawn: Drawn): Episode {
  const { random, settings, clients, lengthMs: at } = drawn
  const replica = random.whole(0, settings.replicas - 1)
  const forMs = random.whole(9_000, 16_000)
  const client = random.whole(0, clients.length - 1)
  const rewind = { kind: 'client-rewind', client, share: random.next(), invalid: false } as const
  const later = (): number => at + random.whole(0, forMs + 3_000)
  const trims = random.whole(0, 2)
  return {
    actions: [
      { ...burst(drawn, at, { count: 20, everyMs: random.pick([1, 20]), by: -1 }), poison: false },
      { at: at + random.whole(1, 400), kind: 'registry-cut', replica, forMs },
      burst(drawn, later(), { count: random.whole(1, 20), everyMs: random.pick([1, 100]), by: -1 }),
      burst(drawn, later(), { count: random.whole(1, 20), everyMs: random.pick([1, 100]), by: -1 }),
      ...cutAll(drawn, later(), () => random.whole(1, 4_000)),
      ...Array.from({ length: trims }, (): Action => ({ at: later(), kind: 'trim', segments: random.whole(1, 3) })),
      { at: at + forMs + random.whole(100, 3_000), ...rewind },
    ],
    lastsMs: forMs + 5_000,
  }
}

function cutOff({ random, settings }: Drawn, at: number, forMs: number): Action {
  const replica = random.whole(0, settings.replicas - 1)
  const up = random.chance(0.5)
  return { at, kind: 'partition', replica, up, down: !up || random.chance(0.5), forMs }
}

function cutAll({ clients }: Drawn, at: number, awayMs: () => number): Action[] {
  return clients.map((_, client) => ({ at, kind: 'client-cut', client, halfOpen: false, awayMs: awayMs() }))
}

type Burst = Extract<Action, { kind: 'publish' }>

function burst(
  { random, clients }: Drawn,
  at: number,
  { count, everyMs, by }: Pick<Burst, 'count' | 'everyMs' | 'by'>,
): Burst {
  return {
    at,
    kind: 'publish',
    channel: random.pick(clients).channel,
    count,
    everyMs,
    by,
    keyed: random.chance(0.3),
    bytes: Math.floor(random.scaled(1, 100)),
    via: -1,
    noId: random.chance(0.5),
    poison: false,
  }
}
