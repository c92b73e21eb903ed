import { checkClientId } from '../../core/model/channel-event.ts'
import type { Identity } from '../../core/model/identity.ts'
import { ownerOf } from '../../core/positions/position-options.ts'
import { demand, mayObserve, owns } from '../../core/sessions/authorizer.ts'
import { builder } from '../builder.ts'
import { ClientPosition } from '../channels/client-position.ts'

builder.queryField('clientPositions', (t) =>
  t.field({
    type: [ClientPosition],
    description: 'The named positions of the caller; of any client for operators and observers.',
    args: { clientId: t.arg.id({ description: 'Default: the caller.' }) },
    resolve: (_root, { clientId }, { identity, gateway }) =>
      gateway.positions.listOf(readableOwner(identity, clientId ?? undefined)),
  }),
)

function readableOwner(identity: Identity, clientId: string | undefined): string {
  if (clientId === undefined) return ownerOf(identity)
  demand(mayObserve(identity) || owns(identity, clientId), identity, `list the positions of "${clientId}"`)
  return checkClientId(clientId)
}
