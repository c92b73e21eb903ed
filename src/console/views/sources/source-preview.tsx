import { useState } from 'react'
import { MessageDocument, type PreviewSourceQuery } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { BodyView } from '../../parts/code/body-view.tsx'
import { Bar } from '../../parts/figures/figures.tsx'
import { bytes, plural } from '../../parts/format.ts'
import { outcomes, Status } from '../../parts/status.tsx'

type PreviewAnswer = PreviewSourceQuery['preview']

/** Rows of the preview, and how many of them may be messages without a client. */
const shownRows = 8
const maxMissed = 5

/**
 * What the rule makes of recent messages, and the body of one. `isLook`: there is no rule yet, and
 * the messages of the exchange are shown.
 */
export function SourcePreview({ preview, isLook }: { preview: PreviewAnswer; isLook: boolean }) {
  const { messages, matched, distinctClients, note, exchange } = preview
  const [chosen, setChosen] = useState<string>()
  if (messages.length === 0)
    return (
      <div className="pad preview small muted" role="status">
        {note ?? `The journal has no message of “${exchange}” to try it on.`}
      </div>
    )
  const share = matched / messages.length
  const matchedText = plural(matched, 'finds a client', 'find a client')
  const missing = messages.length - matched
  // Messages without a client come first: they are what a rule is mended for.
  const found = messages.filter(({ clients, everyone }) => everyone || clients.length > 0)
  const missed = messages.filter((message) => !found.includes(message))
  const shown = [...missed.slice(0, maxMissed), ...found].slice(0, shownRows)
  const cursor = shown.some(({ message }) => message.cursor === chosen) ? chosen : shown[0]?.message.cursor
  return (
    <>
      <div className="pad preview" role="status">
        <h3>
          The last {plural(messages.length, 'message')} of {exchange}
        </h3>
        {isLook ? (
          <p className="small muted">Choose one to see its body, and name above the place of the client.</p>
        ) : (
          <>
            <Bar
              parts={[
                { tone: 'ok', share },
                { tone: 'lostid', share: 1 - share },
              ]}
              label={matchedText}
            />
            <p className="small muted">
              {matchedText}, {plural(distinctClients, 'different one', 'different ones')};{' '}
              {plural(missing, 'finds none', 'find none')}.
            </p>
          </>
        )}
        {note !== null && <p className="small muted">{note}</p>}
      </div>
      <ul className="preview-rows">
        {shown.map(({ message, clients, everyone, reason }) => (
          <li key={message.cursor}>
            <button
              type="button"
              className="row-button"
              aria-pressed={message.cursor === cursor}
              onClick={() => setChosen(message.cursor)}
            >
              <span className="mono small cut">{message.routingKey || 'no key'}</span>
              {!isLook &&
                (everyone || clients.length > 0 ? (
                  <Status is={outcomes.DELIVERED} text={everyone ? 'everyone' : clients.join(', ')} />
                ) : (
                  <Status is={{ ...outcomes.UNMATCHED, boxed: false }} text={reason} />
                ))}
            </button>
          </li>
        ))}
      </ul>
      {cursor !== undefined && <PreviewedBody cursor={cursor} />}
    </>
  )
}

function PreviewedBody({ cursor }: { cursor: string }) {
  const { data } = useQuery(MessageDocument, { cursor })
  const message = data?.message
  if (!message) return null
  return (
    <div className="pad">
      <BodyView
        text={message.body.text}
        title={`${message.contentType ?? 'no content type'}, ${bytes(message.bytes)}`}
      />
    </div>
  )
}
