import { useState } from 'react'
import { DrainDocument, UndrainDocument } from '../../api/generated/graphql.ts'
import { execute, Failure } from '../../api/graphql.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { useChangeButton } from '../../shell/session.tsx'
import { type ConsoleStats } from '../../shell/stats.tsx'
import { toast } from '../../shell/toasts.tsx'

type Replica = ConsoleStats['replicas'][number]

const inService = new Set<Replica['state']>(['SERVING', 'BEHIND', 'BROKER_DOWN'])
const outOfService = new Set<Replica['state']>(['DRAINING', 'DRAINED'])

/** Takes the replica out of service, or puts it back. Nothing for one that does not answer. */
export function ReplicaDrain({ replica, replicas }: { replica: Replica; replicas: readonly Replica[] }) {
  const [asking, setAsking] = useState(false)
  const [failure, setFailure] = useState<string>()
  const changeButton = useChangeButton()
  const { name, state, sessions } = replica
  const others = replicas.filter((other) => other.name !== name && ['SERVING', 'BEHIND'].includes(other.state)).length
  const isLast = others === 0
  const undrain = async (): Promise<void> => {
    setFailure(undefined)
    try {
      await execute(UndrainDocument, { replica: name })
      toast(`${name} takes sessions again`)
    } catch (error) {
      setFailure(error instanceof Failure ? error.message : String(error))
    }
  }
  if (outOfService.has(state))
    return (
      <div className="stack">
        <button className="btn" type="button" {...changeButton} onClick={() => void undrain()}>
          <Icon name="play" />
          Put back into service
        </button>
        {failure !== undefined && (
          <p className="small fail" role="alert">
            {failure}
          </p>
        )}
      </div>
    )
  if (!inService.has(state)) return null
  return (
    <>
      <div>
        <button className="btn danger" type="button" {...changeButton} onClick={() => setAsking(true)}>
          <Icon name="filter" />
          Drain
        </button>
      </div>
      {asking && (
        <Confirm
          title={`Drain ${name}?`}
          verb="Drain"
          typed={isLast ? name : undefined}
          act={async () => {
            await execute(DrainDocument, { replica: name, evenIfLast: isLast })
            toast(`${name} drains`, { label: 'Undo', run: () => void undrain() })
          }}
          onClose={() => setAsking(false)}
        >
          <p>
            It becomes unready and takes no new sessions. Its {plural(sessions ?? 0, 'session ends', 'sessions end')}{' '}
            over the time of WARREN_DRAIN, and{' '}
            {isLast
              ? 'their clients can connect to no other replica, because none serves.'
              : `their clients continue on the other ${others === 1 ? 'replica' : `${others} replicas`} with their cursors.`}
          </p>
          <p>
            Sessions of operators stay, and so does the process. You can put it back at any time; a restart does, too.
          </p>
        </Confirm>
      )}
    </>
  )
}
