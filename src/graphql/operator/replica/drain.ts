import type { Inspection } from '../../../core/inspection/inspection.ts'
import { demand, mayOperate } from '../../../core/sessions/authorizer.ts'
import { badInput } from '../../../errors.ts'
import { builder } from '../../builder.ts'
import { operatorsOnly } from '../../operators-only.ts'
import { GatewayReplica } from '../replicas.ts'

/** The longest drain, in seconds. */
const maxOverSeconds = 3_600

builder.mutationField('drain', (t) =>
  t.field({
    type: GatewayReplica,
    description:
      'Operators only. Takes one replica out of service: it is unready, opens no sessions but those of operators, and ends the others at an even pace (1012), so that clients continue on other replicas with their cursors. Its process stays, until `undrain` or a restart puts it back. Refused for the last replica that serves.',
    extensions: operatorsOnly,
    complexity: 10,
    args: {
      replica: t.arg.string({ required: true, description: '`GatewayReplica.name`.' }),
      overSeconds: t.arg.int({ description: 'Over how long its sessions end. Default: WARREN_DRAIN.' }),
      evenIfLast: t.arg.boolean({ defaultValue: false, description: 'Also if no other replica serves.' }),
      reason: t.arg.string({ description: 'For the log.' }),
    },
    resolve: async (_root, { replica, overSeconds, evenIfLast, reason }, { identity, address, inspection }) => {
      demand(mayOperate(identity), identity, 'drain replicas')
      if (typeof overSeconds === 'number' && (overSeconds < 0 || overSeconds > maxOverSeconds))
        throw badInput('overSeconds', `expected 0 to ${maxOverSeconds}, got ${overSeconds}`)
      const overMs = typeof overSeconds === 'number' ? overSeconds * 1_000 : null
      await inspection.drain(replica, { overMs, evenIfLast: evenIfLast ?? false })
      inspection.audit({ identity, address }, 'drain', replica, reason)
      return replicaNamed(inspection, replica)
    },
  }),
)

builder.mutationField('undrain', (t) =>
  t.field({
    type: GatewayReplica,
    description: 'Operators only. Puts a replica back into service that `drain` has taken out, also during the drain.',
    extensions: operatorsOnly,
    complexity: 10,
    args: {
      replica: t.arg.string({ required: true, description: '`GatewayReplica.name`.' }),
      reason: t.arg.string({ description: 'For the log.' }),
    },
    resolve: async (_root, { replica, reason }, { identity, address, inspection }) => {
      demand(mayOperate(identity), identity, 'drain replicas')
      await inspection.undrain(replica)
      inspection.audit({ identity, address }, 'undrain', replica, reason)
      return replicaNamed(inspection, replica)
    },
  }),
)

async function replicaNamed(inspection: Inspection, name: string) {
  const all = inspection.replicasOf(await inspection.reports())
  const found = all.find(({ member }) => member.replica === name)
  if (!found) throw badInput('replica', `"${name}" is gone`)
  return found
}
