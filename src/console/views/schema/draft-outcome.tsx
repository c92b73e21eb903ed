import { useState } from 'react'
import type { InferSchemaQuery } from '../../api/generated/graphql.ts'
import { printJson } from '../../api/lossless.ts'
import { BodyView } from '../../parts/code/body-view.tsx'
import { Bar } from '../../parts/figures/figures.tsx'
import { count, plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { Link } from '../../shell/router.tsx'

export type Draft = InferSchemaQuery['inferSchema']

/** What is wrong with a draft, and the events that it would give. */
export function DraftOutcome({ draft }: { draft: Draft }) {
  const { problems, fitting, excluded, mismatched, events, mismatches } = draft
  const [at, setAt] = useState(0)
  const errors = problems.filter(({ severity }) => severity === 'ERROR').length
  const shown = events[Math.min(at, events.length - 1)]
  const all = fitting + excluded + mismatched
  return (
    <div className="pad stack draft-outcome" aria-live="polite">
      <h3>
        {errors > 0
          ? `${plural(errors, 'mistake')} to mend before it can be served`
          : 'It can be served beside the present schema'}
      </h3>
      {problems.length > 0 && (
        <ul className="rows" aria-label="Problems">
          {problems.map(({ line, column, severity, message }) => (
            <li key={`${line}:${column} ${message}`}>
              <span className={severity === 'ERROR' ? 'fail' : 'wait'}>
                <Icon name={severity === 'ERROR' ? 'fail' : 'warn'} />
              </span>
              <div className="grow">{message}</div>
              <span className="when">line {line}</span>
            </li>
          ))}
        </ul>
      )}
      {all > 0 && (
        <div className="line-up">
          <Bar
            parts={[
              { tone: 'ok', share: fitting / all },
              { tone: 'filter', share: excluded / all },
              { tone: 'wait', share: mismatched / all },
            ]}
            label={`${fitting} of ${all} messages would be events`}
          />
          <span>
            {count(fitting)} of {plural(all, 'message')} would be events
            {excluded > 0 && `, ${count(excluded)} are excluded`}
            {mismatched > 0 && `, ${count(mismatched)} do not fit`}.
          </span>
        </div>
      )}
      {mismatches.length > 0 && (
        <ul className="rows" aria-label="Messages that do not fit">
          {mismatches.slice(0, 5).map(({ reason, message }) => (
            <li key={message.cursor}>
              <span className="wait">
                <Icon name="warn" />
              </span>
              <div className="grow">
                {reason}
                <p className="mono small">{message.routingKey}</p>
              </div>
              <Link className="when" to="trace" params={{ cursor: message.cursor }}>
                {count(message.offset)}
              </Link>
            </li>
          ))}
        </ul>
      )}
      {shown && (
        <>
          <div className="line-up between">
            <h3>What a client would get</h3>
            <div className="line-up">
              <button className="btn sm" type="button" disabled={at === 0} onClick={() => setAt(at - 1)}>
                Newer
              </button>
              <button className="btn sm" type="button" disabled={at >= events.length - 1} onClick={() => setAt(at + 1)}>
                Older
              </button>
            </div>
          </div>
          <BodyView
            title={`${shown.field}, from ${shown.message.routingKey || 'the message'}, offset ${count(shown.message.offset)}`}
            text={printJson({ data: { [shown.field]: shown.event } })}
          />
        </>
      )}
    </div>
  )
}
