import { count, duration } from '../kinds/amounts.ts'
import { onOff } from '../kinds/words.ts'
import { option } from './option.ts'

/** What the gateway keeps of a client without a session: presence, positions, offline notices. */
export const presenceOptions = {
  presence: option(onOff, {
    default: 'on',
    group: 'Running',
    help: 'Keeps which clients are online, over all replicas, and publishes changes to the exchange `<namespace>.presence`. If off, `online` covers one replica, and `lastSeen` is null.',
  }),
  presenceGraceMs: option(duration({ min: '1s', max: '1h' }), {
    default: '10s',
    group: 'Running',
    help: 'How long a client may be without a session before it counts as offline. A client that reconnects within it, as in a rolling restart, never left.',
  }),
  positionTtlMs: option(duration({ min: '1m', max: '3650d' }), {
    default: '30d',
    group: 'Running',
    help: 'How long a named position is kept after its last use: an ack, or a subscription that has it. After that the name is unknown, and a subscription with it begins at the live end.',
  }),

  offline: option(onOff, {
    default: 'off',
    group: 'Running',
    help: 'Publishes a notice to the exchange `<namespace>.offline` when a message comes for a client without a session, so that a back end can send a push notification (docs/guides/offline.md). Needs WARREN_PRESENCE.',
  }),
  offlineQuietMs: option(duration({ min: '1s', max: '7d' }), {
    default: '1h',
    group: 'Running',
    help: 'How long a client gets no further notice after one. Its return ends this time.',
  }),
  maxOfflineClients: option(count({ min: 1, max: 10_000_000 }), {
    default: '100000',
    group: 'Running',
    help: 'Most clients that a replica remembers for offline notices, about 300 bytes each. Past it, the oldest quiet periods end early.',
  }),
  maxOfflineRate: option(count({ min: 1, max: 10_000 }), {
    default: '100',
    group: 'Running',
    help: 'Most offline notices a second, of the whole deployment. Further ones wait.',
  }),
} as const
