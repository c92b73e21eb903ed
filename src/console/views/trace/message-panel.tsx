import { MessageDocument } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { BodyView } from '../../parts/code/body-view.tsx'
import { Copy } from '../../parts/copy.tsx'
import { bytes } from '../../parts/format.ts'
import { FailureBanner } from '../../parts/states.tsx'
import { Facts } from '../message/message-detail.tsx'

export function TracedMessagePanel({ cursor }: { cursor: string }) {
  const answer = useQuery(MessageDocument, { cursor })
  const message = answer.data?.message
  return (
    <section className="panel" aria-labelledby="message-title">
      <header>
        <h2 id="message-title">Message</h2>
        <span className="more">
          <Copy value={cursor} label="the cursor" />
        </span>
      </header>
      <FailureBanner answer={answer} what="The message" />
      {message && (
        <div className="pad stack">
          <BodyView
            text={message.body.text}
            title={`${message.contentType ?? 'no content type'}, ${bytes(message.bytes)}`}
          />
          <Facts message={message} />
        </div>
      )}
    </section>
  )
}
