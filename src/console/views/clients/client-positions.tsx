import { useState } from 'react'
import {
  ClientPositionsDocument,
  type ClientPositionsQuery,
  DeletePositionDocument,
} from '../../api/generated/graphql.ts'
import { execute } from '../../api/graphql.ts'
import { printJson } from '../../api/lossless.ts'
import { useQuery } from '../../api/use-query.ts'
import { Copy } from '../../parts/copy.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { FailureBanner, Loading } from '../../parts/states.tsx'
import { Time } from '../../parts/time.tsx'
import { useChangeButton } from '../../shell/session.tsx'
import { toast } from '../../shell/toasts.tsx'

type ShownPosition = ClientPositionsQuery['clientPositions'][number]

/** A count may read a part of the journal, so it is asked less often than the sessions. */
const refreshMs = 5_000

/** The named positions of a client: where its devices are, and how far behind. */
export function ClientPositions({ clientId }: { clientId: string }) {
  const answer = useQuery(ClientPositionsDocument, { clientId }, { everyMs: refreshMs })
  const [asked, setAsked] = useState<ShownPosition>()
  const positions = answer.data?.clientPositions
  return (
    <section aria-label="Positions">
      <h3>Positions</h3>
      <FailureBanner answer={answer} what="The positions" />
      {!positions && answer.loading && (
        <Loading>
          <span className="skel w2" />
        </Loading>
      )}
      {positions?.length === 0 && (
        <p className="muted">None. The client has no subscription with a named position, and acked none.</p>
      )}
      {positions && positions.length > 0 && (
        <div className="panel">
          <ul className="rows">
            {positions.map((position) => (
              <PositionRow position={position} onDelete={() => setAsked(position)} key={position.name} />
            ))}
          </ul>
        </div>
      )}
      {asked && (
        <Confirm
          title={`Delete the position ${asked.name} of ${clientId}?`}
          verb="Delete"
          typed={asked.name}
          act={async () => {
            const { deletePosition } = await execute(DeletePositionDocument, { clientId, name: asked.name })
            toast(
              deletePosition
                ? `The position ${asked.name} of ${clientId} was deleted`
                : `${clientId} had no position ${asked.name} any more`,
            )
            answer.reload()
          }}
          onClose={() => setAsked(undefined)}
        >
          <p>
            A subscription that has the position ends with POSITION_TAKEN. The next one begins at the live end and skips
            what was not acked. This cannot be undone.
          </p>
          <p className="muted">{lagText(asked)}.</p>
        </Confirm>
      )}
    </section>
  )
}

function PositionRow({ position, onDelete }: { position: ShownPosition; onDelete: () => void }) {
  const changeButton = useChangeButton()
  const { name, cursor, movedAt, usedAt } = position
  return (
    <li>
      <span className="muted">
        <Icon name="journal" />
      </span>
      <div className="grow">
        <strong className="strong">{name}</strong> <span className="mono small">{topicText(position)}</span>
        <p>
          {lagText(position)}. Moved <Time at={movedAt} ms={false} />, used <Time at={usedAt} ms={false} />.{' '}
          {cursor !== null && <Copy value={cursor} label={`the cursor of ${name}`} />}
        </p>
      </div>
      <button
        className="btn sm danger"
        type="button"
        {...changeButton}
        aria-label={`Delete position ${name}`}
        onClick={onDelete}
      >
        <Icon name="trash" />
        Delete
      </button>
    </li>
  )
}

/** As in a subscription: `channel(clientId: "alice")`. */
function topicText({ field, arguments: args }: ShownPosition): string {
  if (field === null) return ''
  const given = Object.entries(typeof args === 'object' && args !== null ? args : {})
  if (given.length === 0) return field
  const text = given.map(([name, value]) => `${name}: ${printJson(value).replaceAll(/\s+/g, ' ')}`).join(', ')
  return `${field}(${text})`
}

function lagText({ lag, field, cursor }: ShownPosition): string {
  if (lag) return `${lag.atLeast ? 'At least ' : ''}${plural(lag.count, 'message')} behind`
  if (field === null) return 'Lag unknown: no subscription has used it yet'
  if (field !== 'channel') return 'Lag unknown: what the field delivers depends on the client’s token'
  if (cursor === null) return 'Lag unknown: nothing was acked yet'
  return 'Lag unknown: the journal was replaced or cannot be read'
}
