import type { MessagesQuery } from '../../api/generated/graphql.ts'
import { count, plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { Time } from '../../parts/time.tsx'

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
  const { messages, firstOffset, since } = searched
  const isAll = !hasOlder && !hasNewer
  return (
    <div className="pad line-up between small" role="status">
      <span className="muted">
        Searched {isAll ? 'the whole journal, ' : ''}
        {plural(messages, 'message')}, back to {since && <Time at={since} ms={false} />}
        {since ? `, offset ${count(firstOffset)}` : `offset ${count(firstOffset)}`}.
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
