import { Choices } from '../time/seeded.ts'
import { episodeOf, leaseLost } from './episodes.ts'
import { type Action, type ClientScript, extraSources, type Script, type Settings } from './script.ts'

type Kind = Action['kind']

/** How often each fault is drawn, relative to the others. */
const weights: Readonly<Partial<Record<Kind, number>>> = {
  'client-cut': 20,
  'client-stall': 12,
  'client-rewind': 8,
  'client-renew': 4,
  revoke: 2,
  ban: 2,
  'channel-delete': 2,
  source: 3,
  'source-delete': 2,
  'binding-lost': 1,
  'replica-kill': 5,
  'replica-restart': 2,
  partition: 6,
  'registry-cut': 1,
  'registry-away': 1,
  'node-stop': 4,
  'nodes-stop': 1,
  'node-freeze': 2,
  'node-isolate': 2,
  'leader-change': 4,
  alarm: 2,
  'connections-close': 5,
  'consumers-cancel': 3,
  'confirms-slow': 2,
  trim: 7,
  'journal-delete': 5,
  'publish-unreadable': 4,
  'clock-skew': 1,
}

/**
 * What kind of run a seed is. Most are short, and everything in them is small: what meets an edge,
 * and what meets something else, is found in them. A few last as long as what ages: windows, keys
 * of publishers, tokens, idle channels.
 */
const shapes = {
  dense: { lengthMs: [1_500, 15_000], episodes: [1, 2], episodeMs: 2_500, bursts: 8, faults: 8, clients: 4 },
  mixed: { lengthMs: [5_000, 30_000], episodes: [1, 3], episodeMs: 15_000, bursts: 10, faults: 8, clients: 6 },
  long: { lengthMs: [60_000, 43_200_000], episodes: [1, 6], episodeMs: 60_000, bursts: 10, faults: 10, clients: 4 },
} as const

/**
 * Draws a script. `size` scales how much happens. Below 1 nothing takes longer than half a minute.
 */
export function scriptOf(seed: number, size: number): Script {
  const random = new Choices(seed)
  // Choices of their own, so that a seed draws the rest as before there were typed fields, `last`, `every`,
  // positions and keyed state.
  const isTyped = new Choices(seed ^ 0x7f4a7c15)
  const beginsWith = new Choices(seed ^ 0x3c6ef372)
  const paced = new Choices(seed ^ 0x1b873593)
  const positioned = new Choices(seed ^ 0x2545f491)
  const keyed = new Choices(seed ^ 0x61c88647)
  const total = size >= 1 ? 100 : 90
  const drawn = random.next() * total
  const shape = drawn < 70 ? shapes.dense : drawn < 90 ? shapes.mixed : shapes.long
  const isDense = shape === shapes.dense
  const settings = settingsOf(random, isDense)
  const lengthMs = Math.floor(random.scaled(shape.lengthMs[0], shape.lengthMs[1]))
  const when = timesOf(random, lengthMs, random.whole(shape.episodes[0], shape.episodes[1]), shape.episodeMs)
  const drawnClients = Array.from({ length: random.whole(1, Math.ceil(shape.clients * size)) }, () =>
    clientOf(random, settings, when),
  )
    .map((client): ClientScript => (isTyped.chance(0.3) ? { ...client, typed: true } : client))
    .map((client) => (beginsWith.chance(0.3) ? { ...client, last: beginsWith.whole(1, 12) } : client))
    .map((client) => (paced.chance(0.12) ? pacedOf(client, paced) : client))
  const isKeyed = keyed.chance(0.2)
  const clients = positionedOf(isKeyed ? drawnClients.map((one) => keyedOf(one, keyed)) : drawnClients, positioned)
  const actions: Action[] = []
  // Sources that exist from the beginning, in a part of the runs.
  const created = extraSources.flatMap((_, index) => (random.chance(0.25) ? index : []))
  for (const index of created) actions.push({ at: random.whole(100, 800), kind: 'source', replica: 0, index })
  const bursts = random.whole(2, Math.ceil(shape.bursts * size))
  for (let index = 0; index < bursts; index += 1) actions.push(burstOf(random, settings, when(), created))
  const kinds = random.chance(0.06) ? [] : chosen(random)
  // Most faults matter only to a client that resumes.
  if (kinds.length > 0 && random.chance(0.7)) kinds.push('client-cut')
  const faults = kinds.length === 0 ? 0 : random.whole(1, Math.ceil(shape.faults * size))
  const longest = isDense ? 12_000 : 40_000
  let last = 0
  for (let index = 0; index < faults; index += 1) {
    // Some follow the one before at once: what that one started is still under way.
    const at = index > 0 && random.chance(0.35) ? Math.min(lengthMs, last + random.whole(1, 150)) : when()
    last = at
    const most = Math.min(longest, Math.max(20, lengthMs - at))
    actions.push(faultOf(random.pick(kinds), random, settings, clients.length, { at, most }))
  }
  // Drawn last, so that all other seeds stay what they are without it.
  const episode = episodeOf({ random, settings, clients, lengthMs })
  actions.push(...(episode?.actions ?? []))
  const script = { seed, settings, clients, actions, lengthMs: lengthMs + (episode?.lastsMs ?? 0) }
  return isKeyed && clients.some(({ typed }) => typed) ? keyedScript(script, keyed) : inOrder(script)
}

function inOrder(script: Script): Script {
  return { ...script, actions: script.actions.toSorted((one, other) => one.at - other.at) }
}

/** Most clients of such a run have keyed state. A part of a state is not begun with `last`. */
function keyedOf(client: ClientScript, random: Choices): ClientScript {
  if (random.chance(0.3)) return client
  const { last: _last, ...rest } = client
  return { ...rest, typed: true }
}

/**
 * The typed field has keyed state, and its messages are for the field. Replicas lose the database
 * for longer than a lease. Leases are compared with clocks, which are not moved.
 */
function keyedScript(script: Script, random: Choices): Script {
  const { settings, lengthMs } = script
  const drawn = script.actions
    .filter(({ kind }) => kind !== 'clock-skew')
    .map((action): Action => (action.kind === 'publish' && random.chance(0.7) ? { ...action, via: -1 } : action))
  const statePageEvents = random.pick([1, 2, 3, 1_000])
  const keyed = { ...script, settings: { ...settings, statePageEvents } }
  if (!random.chance(0.5)) return inOrder({ ...keyed, actions: drawn })
  const episode = leaseLost({ random, settings, clients: script.clients, lengthMs })
  return inOrder({ ...keyed, actions: [...drawn, ...episode.actions], lengthMs: lengthMs + episode.lastsMs })
}

function settingsOf(random: Choices, isDense: boolean): Settings {
  // Small limits make their edges common; a part of the runs has room, so that other bugs show.
  const small = random.chance(0.6)
  return {
    version: random.pick([3, 4]),
    nodes: random.pick(isDense ? [1, 1, 1, 3] : [1, 1, 3]),
    replicas: random.pick(isDense ? [1, 1, 2, 2, 2, 3] : [1, 2, 2, 3]),
    channels: random.pick([1, 1, 2, 3, 4]),
    latencyMs: random.scaled(0.2, 5),
    registryMs: random.scaled(0.5, 20),
    segmentMessages: small ? random.whole(2, 12) : random.whole(4, 60),
    segments: random.pick(small ? [2, 3, 5, 20] : [3, 5, 20, 100]),
    windowBytes: Math.floor(small ? random.scaled(500, 4_000) : random.scaled(2_000, 60_000)),
    windowMs: random.pick([20_000, 300_000]),
    maxBufferedBytes: Math.floor(small ? random.scaled(200, 1_000) : random.scaled(500, 20_000)),
    publishTimeoutMs: random.pick([3_000, 10_000]),
  }
}

/** Times within a few episodes, so that what happens meets what else happens. */
function timesOf(random: Choices, lengthMs: number, episodes: number, episodeMs: number): () => number {
  const begins = Array.from({ length: episodes }, () => random.next() * Math.max(0, lengthMs - episodeMs))
  return () => Math.floor(Math.min(lengthMs, random.pick(begins) + random.next() * episodeMs))
}

/** Faults of one mechanism, which a part of the seeds draws from alone. */
const themes: readonly (readonly Kind[])[] = [
  ['journal-delete', 'client-rewind', 'client-cut', 'replica-restart'],
  ['journal-delete', 'trim', 'client-rewind', 'client-cut'],
  ['journal-delete', 'connections-close', 'consumers-cancel', 'partition'],
  ['trim', 'client-rewind', 'client-stall', 'client-cut'],
  ['trim', 'connections-close', 'consumers-cancel', 'client-cut'],
  ['trim', 'partition', 'client-rewind', 'client-cut'],
  ['partition', 'client-cut'],
  ['partition', 'client-cut', 'client-rewind', 'connections-close'],
  ['node-freeze', 'node-isolate', 'node-stop', 'client-cut'],
  ['client-stall', 'client-cut'],
  ['client-stall', 'clock-skew', 'source', 'client-cut'],
  ['client-renew', 'revoke', 'ban', 'client-cut', 'registry-cut'],
  ['channel-delete', 'client-rewind', 'client-cut'],
  ['source', 'source-delete', 'partition', 'replica-kill', 'connections-close'],
  ['source', 'node-stop', 'leader-change', 'replica-kill', 'connections-close'],
  ['leader-change', 'confirms-slow', 'node-isolate', 'node-stop', 'nodes-stop', 'alarm'],
  ['publish-unreadable', 'client-cut', 'client-rewind'],
]

/** A seed draws from a few kinds of fault, so that faults meet others of their kind. */
function chosen(random: Choices): Kind[] {
  if (random.chance(0.6)) return [...random.pick(themes)]
  const all = Object.entries(weights) as [Kind, number][]
  const total = all.reduce((sum, [, weight]) => sum + weight, 0)
  return Array.from({ length: random.whole(1, 5) }, () => {
    let left = random.next() * total
    for (const [kind, weight] of all) {
      left -= weight
      if (left < 0) return kind
    }
    return 'client-cut'
  })
}

/** A pace longer than the interval of checkpoints, any pace, or one that the client's socket does not keep up with. */
function pacedOf(client: ClientScript, random: Choices): ClientScript {
  if (random.chance(0.25)) return { ...client, checkpoints: true, everyMs: random.whole(16_000, 40_000) }
  if (random.chance(0.5)) return { ...client, everyMs: Math.floor(random.scaled(20, 40_000)) }
  const everyMs = Math.floor(random.scaled(20, 2_000))
  return { ...client, everyMs, socketEvents: 1, frameMs: 2 * everyMs }
}

/** Some have a position, and the next client may be another device of the same. */
function positionedOf(clients: readonly ClientScript[], random: Choices): ClientScript[] {
  const all: ClientScript[] = []
  for (const [index, client] of clients.entries()) {
    const before = all.at(-1)
    if (before?.position && before.position.deviceOf === undefined && random.chance(0.7)) {
      // What its position is the place in.
      const { typed: _typed, last: _last, ...rest } = client
      const typed = before.typed ? { typed: true as const } : {}
      all.push({ ...rest, ...typed, channel: before.channel, position: { ...before.position, deviceOf: index - 1 } })
    } else if (random.chance(0.2)) {
      const { last: _last, ...rest } = client
      all.push({ ...rest, position: { moves: random.chance(0.5) ? 'delivered' : random.pick([0.1, 0.5, 1]) } })
    } else all.push(client)
  }
  return all
}

function clientOf(random: Choices, settings: Settings, when: () => number): ClientScript {
  return {
    channel: random.whole(0, settings.channels - 1),
    policy: random.pick(['CATCH_UP', 'CATCH_UP', 'CATCH_UP', 'DROP_OLDEST', 'CONFLATE', 'END']),
    checkpoints: random.chance(0.5),
    frameMs: random.scaled(0.1, random.chance(0.3) ? 200 : 5),
    socketEvents: random.whole(1, 30),
    tokenMs: random.chance(0.2) ? random.whole(3_000, 20_000) : 0,
    connectsAt: random.chance(0.7) ? 0 : when(),
  }
}

function burstOf(random: Choices, settings: Settings, at: number, sources: readonly number[]): Action {
  return {
    at,
    kind: 'publish',
    channel: random.whole(0, settings.channels - 1),
    count: Math.floor(random.scaled(1, 60)),
    everyMs: random.pick([0, 0, 1, 10, 100]),
    by: random.whole(-1, settings.replicas - 1),
    keyed: random.chance(0.6),
    bytes: Math.floor(random.scaled(1, 200)),
    via: random.chance(0.4) ? -1 : random.pick(sources.length > 0 ? sources : [0, 1, 2]),
    noId: random.chance(0.5),
    poison: random.chance(0.05),
  }
}

function faultOf(
  kind: Kind,
  random: Choices,
  settings: Settings,
  clients: number,
  { at, most }: { readonly at: number; readonly most: number },
): Action {
  // Some last longer than every time-out, if the run does.
  const forMs = Math.floor(random.chance(0.35) ? random.between(most / 2, most) : random.scaled(10, most))
  const awayMs = Math.floor(random.scaled(1, Math.min(20_000, most)))
  const client = random.whole(0, clients - 1)
  const replica = random.whole(0, settings.replicas - 1)
  const node = random.whole(0, settings.nodes - 1)
  switch (kind) {
    case 'publish-unreadable':
      return settings.version === 4
        ? { at, kind, count: random.whole(1, 3) }
        : { at, kind: 'trim', segments: random.whole(1, 3) }
    case 'client-cut':
      return { at, kind, client, halfOpen: random.chance(0.3), awayMs }
    case 'client-stall':
      return { at, kind, client, forMs }
    case 'client-rewind':
      return { at, kind, client, share: random.next(), invalid: random.chance(0.1) }
    case 'client-renew':
      return { at, kind, client, narrow: random.chance(0.5) }
    case 'revoke':
      return { at, kind, client, replica }
    case 'ban':
      return { at, kind, client, replica, forMs }
    case 'channel-delete':
      return { at, kind, channel: random.whole(0, settings.channels - 1), replica }
    case 'journal-delete':
      return { at, kind, times: random.pick([1, 1, 1, 2, 4]), everyMs: Math.floor(random.scaled(5, 400)) }
    case 'source':
    case 'source-delete':
      return { at, kind, replica, index: random.whole(0, extraSources.length - 1) }
    case 'replica-kill':
      return { at, kind, replica, awayMs: awayMs + 10 }
    case 'replica-restart':
      return { at, kind, replica, overMs: random.whole(10, 3_000) }
    case 'partition': {
      const [up, down] = random.pick([
        [true, true],
        [true, false],
        [false, true],
      ] as const)
      return { at, kind, replica, up, down, forMs }
    }
    case 'registry-cut':
      return { at, kind, replica, forMs }
    case 'node-stop':
      return { at, kind, node, killed: random.chance(0.5), forMs }
    case 'node-freeze':
      return { at, kind, node, forMs }
    case 'node-isolate':
      return settings.nodes > 1 ? { at, kind, node, forMs } : { at, kind: 'node-freeze', node, forMs }
    case 'registry-away':
    case 'nodes-stop':
    case 'leader-change':
    case 'alarm':
      return { at, kind, forMs }
    case 'connections-close':
      return { at, kind, share: random.pick([0.1, 0.3, 1]) }
    case 'confirms-slow':
      return { at, kind, byMs: random.whole(10, 4_000), forMs }
    case 'trim':
      return { at, kind, segments: random.whole(1, 3) }
    case 'clock-skew':
      return { at, kind, replica, byMs: random.whole(-3_600_000, 3_600_000) }
    default:
      return { at, kind } as Action
  }
}
