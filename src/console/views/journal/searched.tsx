import type { MessagesQuery } from '../../api/generated/graphql.ts'
import { Icon } from '../../parts/icon.tsx'
import { Time } from '../../parts/time.tsx'
import { searchedText } from './searched-text.ts'

/**
 * How far a filtered page looked, and a way to look further back. `isFull`: it has as many rows as
 * a page may have.
 */
export function Searched({
  page: { searched, hasOlder, hasNewer, startCursor },
  isFull,
  onOlder,
}: {
  page: Pick<MessagesQuery['messages'], 'searched' | 'hasOlder' | 'hasNewer' | 'startCursor'>
  isFull: boolean
  onOlder: () => void
}) {
  if (!searched) return null
  const { since } = searched
  return (
    <div className="pad line-up between small" role="status">
      <span className="muted">
        {searchedText(searched, !hasOlder && !hasNewer)}
        {since !== null && (
          <>
            {' '}
            The first was received at <Time at={since} ms={false} />.
          </>
        )}
        {hasOlder && !isFull && ' Older messages were not searched.'}
      </span>
      {hasOlder && !isFull && startCursor !== null && (
        <button className="btn sm" type="button" onClick={onOlder}>
          <Icon name="down" />
          Search older ones
        </button>
      )}
    </div>
  )
}
