import { type ReactNode, useEffect, useState } from 'react'
import type { QueryAnswer } from '../api/use-query.ts'
import { Icon, type IconName } from './icon.tsx'
import type { Tone } from './status.tsx'
import { Time } from './time.tsx'

/** The head of a view: a title, the sentence that it answers with, and its actions. */
export function Head({ title, sub, children }: { title: string; sub: ReactNode; children?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Warren`
  }, [title])
  return (
    <div className="head">
      <div>
        <h1>{title}</h1>
        <p className="sub">{sub}</p>
      </div>
      {children && <div className="acts">{children}</div>}
    </div>
  )
}

export function Banner({
  tone,
  icon,
  children,
  action,
}: {
  tone: Tone
  icon: IconName
  children: ReactNode
  action?: ReactNode
}) {
  return (
    <div className={`banner ${tone}`} role={tone === 'fail' || tone === 'wait' ? 'alert' : undefined}>
      <Icon name={icon} className={tone} />
      <div className="grow">{children}</div>
      {action}
    </div>
  )
}

/** Why there is nothing, and the next step. */
export function Empty({ title, children, action }: { title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <svg className="pic" viewBox="0 0 112 72" aria-hidden="true">
        <path className="tunnel" strokeWidth="12" d="M4 36H92M20 36C50 36 40 12 72 12M20 36C50 36 40 60 72 60" />
        <circle className="pill" cx="78" cy="12" r="9" />
        <circle className="pill" cx="98" cy="36" r="9" />
        <circle className="pill" cx="78" cy="60" r="9" />
      </svg>
      <h2>{title}</h2>
      <p>{children}</p>
      {action && <div className="line-up">{action}</div>}
    </div>
  )
}

/** How long nothing is shown, because most answers come before, in milliseconds. */
const patienceMs = 200

/** The shape of what comes. `children`: skeletons that mirror the layout. */
export function Loading({ children }: { children: ReactNode }) {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), patienceMs)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div aria-busy="true">
      <span className="sr">Loading</span>
      {late && children}
    </div>
  )
}

/** Skeleton of a panel with rows. */
export function PanelSkeleton({ rows = 6 }: { rows?: number }) {
  return (
    <div className="panel">
      <div className="pad stack">
        {Array.from({ length: rows }, (_, index) => (
          <span className={`skel w${(index % 3) + 1}`} key={index} />
        ))}
      </div>
    </div>
  )
}

/** A failure beside data that stays, with the time of the data. */
export function FailureBanner({
  answer,
  what,
}: {
  answer: Pick<QueryAnswer<unknown>, 'failure' | 'at' | 'reload'>
  what: string
}) {
  const { failure, at } = answer
  if (!failure) return null
  return (
    <Banner
      tone="fail"
      icon="fail"
      action={
        <button className="btn sm" type="button" onClick={answer.reload}>
          Ask again
        </button>
      }
    >
      <strong>{what} could not be read.</strong> {failure.message}
      {at && (
        <span className="muted">
          {' '}
          What is shown is of <Time at={at} ms={false} />.
        </span>
      )}
    </Banner>
  )
}

/** Which replicas are missing in the sums of a page. */
export function SilentReplicas({
  unanswered,
  onAgain,
}: {
  unanswered: readonly string[]
  onAgain?: (() => void) | undefined
}) {
  if (unanswered.length === 0) return null
  const names = unanswered.join(', ')
  return (
    <Banner
      tone="wait"
      icon="warn"
      action={
        onAgain && (
          <button className="btn sm" type="button" onClick={onAgain}>
            Ask again
          </button>
        )
      }
    >
      <strong>{names} did not answer within 0.5 s.</strong> Numbers on this page are of the other replicas only.
    </Banner>
  )
}
