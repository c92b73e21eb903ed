import type { AccountFragment } from '../../api/generated/graphql.ts'
import { Bar } from '../../parts/figures/figures.tsx'
import { count, percent, plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { type Look, outcomes, Status } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { Link } from '../../shell/router.tsx'
import type { ConsoleStats } from '../../shell/stats.tsx'
import { type Behind, subscriptionsRead } from './behind-of.ts'

const adds: Look = { word: 'add up', tone: 'ok', icon: 'ok', boxed: true }
const addsSoFar: Look = { word: 'add up so far', tone: 'wait', icon: 'wait', boxed: true }
const differs: Look = { word: 'do not add up', tone: 'fail', icon: 'fail', boxed: true }

/** matched = delivered + filtered + dropped + waiting, with the sums. */
export function Accounts({ accounts, behind }: { accounts: ConsoleStats['accounts']; behind: Behind }) {
  const { total, byTransport, byReplica } = accounts
  const since = byReplica.map(({ startedAt }) => startedAt).sort()[0]
  return (
    <section className="panel ov-acc" aria-labelledby="accounts-title">
      <header>
        <h2 id="accounts-title">Accounts</h2>
        <Status is={total.difference !== 0 ? differs : behind.subscriptions > 0 ? addsSoFar : adds} />
        <span className="more">
          {accounts.unanswered.length === 0 ? 'all replicas' : `of ${plural(byReplica.length, 'replica')}`}
          {since && (
            <>
              , since <Time at={since} ms={false} />
            </>
          )}
        </span>
      </header>
      <div className="pad stack">
        <Sum total={total} />
        <p className="small muted">An event counts once for each subscription that it is for.</p>
        <NotCountedYet behind={behind} />
        <Remainder total={total} />
      </div>
      <section className="scroll" tabIndex={0} aria-label="Accounts by transport">
        <table>
          <thead>
            <tr>
              <th>Transport</th>
              <th className="num">Matched</th>
              <th className="num">Delivered</th>
              <th className="num">Filtered</th>
              <th className="num">Dropped</th>
              <th className="num">Waiting</th>
              <th className="num">Difference</th>
            </tr>
          </thead>
          <tbody>
            {byTransport.map((account) => (
              <Row account={account} name={account.transport ?? ''} key={account.transport ?? ''} />
            ))}
          </tbody>
          {total.difference !== 0 && (
            <tfoot>
              {byReplica.map(({ replica, account }) => (
                <Row account={account} name={replica} key={replica} />
              ))}
            </tfoot>
          )}
        </table>
      </section>
    </section>
  )
}

function Sum({ total }: { total: AccountFragment }) {
  const parts = [
    ['Delivered', outcomes.DELIVERED, total.delivered],
    ['Filtered', outcomes.FILTERED, total.filtered],
    ['Dropped', outcomes.DROPPED, total.dropped],
    ['Waiting', outcomes.WAITING, total.pending],
  ] as const
  const words = parts.map(([name, , value]) => `${name.toLowerCase()} ${count(value)}`).join(' plus ')
  return (
    <div className="sum" role="group" aria-label={`Matched ${count(total.matched)} equals ${words}`}>
      <div>
        <span className="st">Matched</span>
        <b>{count(total.matched)}</b>
      </div>
      {parts.map(([name, look, value], index) => [
        <span className="op" key={`${name} sign`}>
          {index === 0 ? '=' : '+'}
        </span>,
        <div key={name}>
          <span className="st">
            <Icon name={look.icon} />
            {name}
          </span>
          <b>{count(value)}</b>
        </div>,
      ])}
    </div>
  )
}

/** What the sums leave out, and for which clients. Nothing if they leave nothing out. */
function NotCountedYet({ behind: { subscriptions, clients } }: { behind: Behind }) {
  if (subscriptions === 0) return null
  return (
    <p className="small">
      <strong className="strong">{subscriptionsRead(subscriptions)} from the journal:</strong> what{' '}
      {subscriptions === 1 ? 'it has' : 'they have'} not read yet is not counted here.{' '}
      {clients.map((client, index) => (
        <span key={client}>
          {index > 0 && ', '}
          <Link to="clients" params={{ client }}>
            {client}
          </Link>
        </span>
      ))}
      {clients.length > 0 && clients.length < subscriptions && ' and others'}
    </p>
  )
}

/** Draws only what was not delivered, because beside the whole it would be too small to see. */
function Remainder({ total: { filtered, dropped, pending } }: { total: AccountFragment }) {
  const rest = filtered + dropped + pending
  if (rest === 0) return <p className="small muted">Everything that was matched was delivered.</p>
  const parts = [
    { tone: 'filter', share: filtered / rest, words: 'not asked for' },
    { tone: 'fail', share: dropped / rest, words: 'dropped' },
    { tone: 'wait', share: pending / rest, words: 'come later' },
  ] as const
  const shown = parts.filter(({ share }) => share > 0)
  const [only] = shown
  // A bar of one part has nothing to compare.
  if (only && shown.length === 1)
    return (
      <p className="small muted line-up">
        <i className={`dotkey ${only.tone}`} />
        <span>
          The {count(rest)} that were not delivered: {only.words}.
        </span>
      </p>
    )
  const label = shown.map(({ share, words }) => `${percent(share)} ${words}`).join(', ')
  return (
    <>
      <Bar parts={parts} label={label} />
      <p className="small muted line-up">
        <span>Of the {count(rest)} that were not delivered:</span>
        {shown.map(({ tone, share, words }) => (
          <span className="line-up" key={tone}>
            <i className={`dotkey ${tone}`} />
            {percent(share)} {words}
          </span>
        ))}
      </p>
    </>
  )
}

function Row({ account, name }: { account: AccountFragment; name: string }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td className="num">{count(account.matched)}</td>
      <td className="num">{count(account.delivered)}</td>
      <td className="num">{count(account.filtered)}</td>
      <td className="num">{count(account.dropped)}</td>
      <td className="num">{count(account.pending)}</td>
      <td className="num">
        {account.difference === 0 ? (
          <Status is={outcomes.DELIVERED} text="0" />
        ) : (
          <Status is={differs} text={count(account.difference)} />
        )}
      </td>
    </tr>
  )
}
