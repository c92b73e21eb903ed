import { checkClientId } from '../../core/model/channel-event.ts'
import { checkPositionName, ownerOf } from '../../core/positions/position-options.ts'
import { demand, mayActFor, mayOperate } from '../../core/sessions/authorizer.ts'
import { builder } from '../builder.ts'

builder.mutationField('deletePosition', (t) =>
  t.boolean({
    description:
      'Deletes a named position of the caller; of any client for operators. A subscription that has it ends with POSITION_TAKEN. False if there is none.',
    args: {
      name: t.arg.string({ required: true }),
      clientId: t.arg.id({ description: 'Default: the caller.' }),
    },
    resolve: async (_root, { name, clientId }, { identity, address, gateway, inspection }) => {
      const owner = clientId === undefined || clientId === null ? ownerOf(identity) : checkClientId(clientId)
      demand(mayActFor(identity, owner), identity, `delete the positions of "${owner}"`)
      const key = { clientId: owner, name: checkPositionName(name, 'name') }
      const existed = await gateway.positions.remove(key)
      if (mayOperate(identity)) inspection.audit({ identity, address }, 'deletePosition', `${owner} ${key.name}`)
      return existed
    },
  }),
)
