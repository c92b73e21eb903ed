import type { ClientDetailQuery } from '../../api/generated/graphql.ts'
import { Copy } from '../../parts/copy.tsx'
import { bytes, count, duration, none, plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { Time } from '../../parts/time.tsx'
import { useChangeButton } from '../../shell/session.tsx'

export type ShownSession = ClientDetailQuery['sessions']['sessions'][number]

export function SessionRow({ session, onDisconnect }: { session: ShownSession; onDisconnect: () => void }) {
  const changeButton = useChangeButton()
  return (
    <li>
      <span className={session.slow ? 'wait' : 'ok'}>
        <Icon name={session.slow ? 'wait' : 'ok'} />
      </span>
      <div className="grow">
        <strong className="strong">{session.transport}</strong> from {session.address}
        <p>
          on {session.replica}, since <Time at={session.since} ms={false} />.{' '}
          {session.expiresAt && (
            <>
              Token ends <Time at={session.expiresAt} ms={false} />.{' '}
            </>
          )}
          {plural(session.subscriptionCount, 'subscription')}, {plural(session.pending, 'event')} with{' '}
          {bytes(session.queuedBytes)} queued.
        </p>
      </div>
      <button className="btn sm danger" type="button" {...changeButton} onClick={onDisconnect}>
        <Icon name="unplug" />
        Disconnect
      </button>
    </li>
  )
}

export function Subscriptions({ sessions }: { sessions: readonly ShownSession[] }) {
  const rows = sessions.flatMap(({ subscriptions }) => subscriptions)
  if (rows.length === 0) return null
  return (
    <section>
      <h3>Subscriptions</h3>
      <section className="scroll" tabIndex={0} aria-label="Subscriptions">
        <table>
          <thead>
            <tr>
              <th>Field</th>
              <th>Cursor</th>
              <th className="num">Position</th>
              <th className="num">Lag</th>
              <th className="num">Queued</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ field, topic, cursor, offset, lagMs, pending, overflow, since }) => (
              <tr key={`${topic} ${since} ${overflow}`}>
                <td className="mono small" title={`${topic}, ${overflow}`}>
                  {field === 'channel' ? field : topic}
                </td>
                <td>{cursor ? <Copy value={cursor} label="the cursor" /> : <span className="faint">{none}</span>}</td>
                <td className="num">{offset === null ? none : count(offset)}</td>
                <td className="num">{duration(lagMs)}</td>
                <td className="num">{count(pending)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  )
}

/** What its overflow policies mean for it. */
export function policyText(sessions: readonly ShownSession[]): string {
  const slow = sessions.flatMap(({ subscriptions }) => subscriptions).filter((subscription) => subscription.slow)
  const policies = [...new Set(slow.map(({ overflow }) => overflow))]
  return policies.every((policy) => policy === 'CATCH_UP')
    ? 'It reads the rest from the journal at its own pace, and nothing is dropped.'
    : `Its overflow policy is ${policies.join(', ')}.`
}

/** The cursor that the slowest subscription to the client's own channel has come to. */
export function positionOf(clientId: string, sessions: readonly ShownSession[]): string | null {
  const own = sessions
    .flatMap(({ subscriptions }) => subscriptions)
    .filter(({ field, topic, cursor }) => field === 'channel' && topic === clientId && cursor !== null)
  return own.toSorted((a, b) => (a.offset ?? 0) - (b.offset ?? 0))[0]?.cursor ?? null
}

/** The patterns of the channels that the tokens of open sessions grant. */
export function channelGrants(sessions: readonly ShownSession[]): readonly string[] {
  const words = sessions.flatMap(({ scope }) => scope).filter((word) => word.startsWith('channel:'))
  return [...new Set(words)].map((word) => word.slice('channel:'.length))
}

export function Scopes({ sessions }: { sessions: readonly ShownSession[] }) {
  const words = [...new Set(sessions.flatMap(({ scope }) => scope))]
  if (words.length === 0) return <span className="faint">its own channel only</span>
  return words.map((word) => (
    <span className="tag" key={word}>
      {word}
    </span>
  ))
}
