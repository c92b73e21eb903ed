import type { PresenceState } from '../../core/inspection/clients/presence-inspector.ts'
import { checkClientId } from '../../core/model/channel-event.ts'
import type { Identity } from '../../core/model/identity.ts'
import { demand, mayObserve, maySubscribe } from '../../core/sessions/authorizer.ts'
import { Feed } from '../../core/sessions/feeds/feed.ts'
import { badInput } from '../../errors.ts'
import { builder } from '../builder.ts'
import { separateEvents } from '../operators-only.ts'

const maxIds = 1_000
/** How many clients may have a change that the subscriber has not taken. */
const maxWaiting = 10_000

const Presence = builder.objectRef<PresenceState>('Presence').implement({
  description: 'Whether a client has a session on any replica.',
  fields: (t) => ({
    clientId: t.exposeID('clientId'),
    online: t.exposeBoolean('online', {
      description: 'True also for a client that left within WARREN_PRESENCE_GRACE.',
    }),
    lastSeen: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was online last; now for a client that is. Null: never, as far as is known.',
      resolve: ({ lastSeen }) => lastSeen,
    }),
  }),
})

const who = 'For the own client id and ids under the `channel:` grants of the token. Observers and operators see all'

/** The ids to look at; undefined: all. Throws `FORBIDDEN` and `BAD_USER_INPUT`. */
function allowedIds(identity: Identity, clientIds: readonly string[] | null | undefined): string[] | undefined {
  if (clientIds === undefined || clientIds === null) {
    demand(mayObserve(identity), identity, 'see the presence of all clients')
    return undefined
  }
  demandEach(identity, clientIds)
  if (clientIds.length > maxIds) throw badInput('clientIds', `expected at most ${maxIds} ids, got ${clientIds.length}`)
  return [...new Set(clientIds.map((clientId) => checkClientId(clientId, 'clientIds')))]
}

function demandEach(identity: Identity, clientIds: readonly string[]): void {
  if (mayObserve(identity)) return
  const allowed = clientIds.length > 0 && clientIds.every((clientId) => maySubscribe(identity, clientId))
  demand(allowed, identity, 'see the presence of these clients')
}

builder.queryField('presence', (t) =>
  t.field({
    type: [Presence],
    description: `${who}, and without clientIds the first ${maxIds} that are online.`,
    complexity: { field: 10, multiplier: 5 },
    args: { clientIds: t.arg.idList({ description: `At most ${maxIds}.` }) },
    resolve: (_root, { clientIds }, { identity, inspection }) => {
      const ids = allowedIds(identity, clientIds)
      return ids ? inspection.presence.of(ids) : inspection.presence.online()
    },
  }),
)

builder.subscriptionField('presenceChanged', (t) =>
  t.field({
    type: Presence,
    description: `${who}, and without clientIds the changes of all. Begins with the state of the named clients.`,
    extensions: separateEvents,
    args: { clientIds: t.arg.idList({ description: `At most ${maxIds}.` }) },
    subscribe: async (_root, { clientIds }, context) => {
      const ids = allowedIds(context.identity, clientIds)
      const feed = context.follow(
        new Feed<PresenceState>(({ clientId }) => clientId, maxWaiting),
        (identity) => void allowedIds(identity, clientIds),
      )
      await context.inspection.presence.follow(feed, ids)
      return feed
    },
    resolve: (state) => state,
  }),
)
