import { useState } from 'react'
import {
  BanDocument,
  ClientDetailDocument,
  DisconnectDocument,
  RevokeDocument,
  TypedFieldNamesDocument,
  UnbanDocument,
} from '../../api/generated/graphql.ts'
import { execute } from '../../api/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { CloseButton, Confirm, Drawer } from '../../parts/dialog.tsx'
import { Fact } from '../../parts/fact.tsx'
import { count, duration, waitText } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { Banner, FailureBanner, Loading, SilentReplicas } from '../../parts/states.tsx'
import { Status } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { Link } from '../../shell/router.tsx'
import { useChangeButton } from '../../shell/session.tsx'
import { toast } from '../../shell/toasts.tsx'
import { clientLook } from './client-look.ts'
import { ClientPositions } from './client-positions.tsx'
import {
  channelGrants,
  policyText,
  positionOf,
  Scopes,
  SessionRow,
  type ShownSession,
  Subscriptions,
} from './client-sessions.tsx'
import { CutOffSessions } from './cut-off.tsx'
import { TestField } from './test-field.tsx'
import { TestSubscription } from './test-subscription.tsx'

type Asked = { readonly what: 'revoke' | 'ban' } | { readonly what: 'disconnect'; readonly session: ShownSession }

const refreshMs = 2_000

/** A client: its sessions, its subscriptions, and what an operator can do about it. */
export function ClientDetail({
  clientId,
  onClose,
  onChanged,
}: {
  clientId: string
  onClose: () => void
  onChanged: () => void
}) {
  const answer = useQuery(ClientDetailDocument, { clientId }, { everyMs: refreshMs })
  const [asked, setAsked] = useState<Asked>()
  const [testing, setTesting] = useState<'channel' | 'field'>()
  const schema = useQuery(TypedFieldNamesDocument, {})
  const fields = schema.data?.typedFields.fields.map(({ name }) => name) ?? []
  const changeButton = useChangeButton()
  const client = answer.data?.client
  const sessions = answer.data?.sessions
  const isPartial = (sessions?.unanswered.length ?? 0) > 0
  const changed = (text: string, undo?: { label: string; run: () => void }): void => {
    toast(text, undo)
    answer.reload()
    onChanged()
  }
  const unban = async (): Promise<void> => {
    await execute(UnbanDocument, { clientId })
    changed(`${clientId} may come back`)
  }
  const banned = client?.banned ?? sessions?.banned ?? false
  return (
    <Drawer
      title={`Client ${clientId}`}
      onClose={onClose}
      footer={
        <>
          <Link className="btn" to="live" params={{ client: clientId }}>
            <Icon name="live" />
            Its messages, live
          </Link>
          <Link className="btn" to="journal" params={{ client: clientId }}>
            <Icon name="journal" />
            In the journal
          </Link>
          <Link className="btn" to="trace" params={{ client: clientId }}>
            <Icon name="trace" />
            Trace a message for it
          </Link>
          <span className="grow" />
          <button className="btn danger" type="button" {...changeButton} onClick={() => setAsked({ what: 'revoke' })}>
            <Icon name="key" />
            Revoke
          </button>
          {banned ? (
            <button className="btn" type="button" {...changeButton} onClick={() => void unban()}>
              <Icon name="ban" />
              Lift the ban
            </button>
          ) : (
            <button className="btn danger" type="button" {...changeButton} onClick={() => setAsked({ what: 'ban' })}>
              <Icon name="ban" />
              Ban
            </button>
          )}
        </>
      }
    >
      <header>
        <div className="line-up between nw">
          <h2 className="big cut">{clientId}</h2>
          <CloseButton onClick={onClose} />
        </div>
        {client && (
          <div className="line-up">
            <Status is={{ ...clientLook(client), boxed: true }} />
            <span className="muted small">
              {client.name}
              {client.createdAt ? (
                <>
                  {client.name && ' · '}channel since <Time at={client.createdAt} ms={false} />
                </>
              ) : (
                'by token, never registered with a password'
              )}
            </span>
          </div>
        )}
      </header>
      <FailureBanner answer={answer} what="The client" />
      {!answer.data && answer.loading && (
        <Loading>
          <section className="stack">
            <span className="skel w3" />
            <span className="skel w2" />
          </section>
        </Loading>
      )}
      {answer.data && !client && (
        <section>
          <p>
            “{clientId}” has no session {isPartial ? 'on the replicas that answered' : 'now'}, and is not registered
            with a password.
          </p>
        </section>
      )}
      {sessions && <SilentReplicas unanswered={sessions.unanswered} onAgain={answer.reload} />}
      {client?.slow && (
        <section>
          <Banner tone="wait" icon="wait">
            <strong>
              {duration(client.lagMs)} behind, {waitText(client.pending)}.
            </strong>{' '}
            The client takes less than its channels have. Only what is queued for it is counted, not what it has yet to
            read from the journal. {policyText(sessions?.sessions ?? [])}
          </Banner>
        </section>
      )}
      <CutOffSessions clientId={clientId} />
      {sessions && (
        <>
          <section>
            <h3>Sessions</h3>
            {sessions.sessions.length === 0 ? (
              <p className="muted">
                {isPartial ? 'None on the replicas that answered.' : 'None. The client is offline.'}
              </p>
            ) : (
              <div className="panel">
                <ul className="rows">
                  {sessions.sessions.map((session) => (
                    <SessionRow
                      session={session}
                      onDisconnect={() => setAsked({ what: 'disconnect', session })}
                      key={session.id}
                    />
                  ))}
                </ul>
              </div>
            )}
          </section>
          <Subscriptions sessions={sessions.sessions} />
          <ClientPositions clientId={clientId} />
        </>
      )}
      {testing === 'field' && <TestField clientId={clientId} fields={fields} onClose={() => setTesting(undefined)} />}
      {testing === 'channel' && (
        <TestSubscription
          clientId={clientId}
          position={positionOf(clientId, sessions?.sessions ?? [])}
          grants={channelGrants(sessions?.sessions ?? [])}
          banned={banned}
          onClose={() => setTesting(undefined)}
        />
      )}
      {!testing && (
        <section className="line-up">
          <button className="btn" type="button" {...changeButton} onClick={() => setTesting('channel')}>
            <Icon name="play" />
            Open a test subscription as this client
          </button>
          {fields.length > 0 && (
            <button className="btn" type="button" {...changeButton} onClick={() => setTesting('field')}>
              <Icon name="schema" />
              Test a typed field
            </button>
          )}
        </section>
      )}
      {client && (
        <section>
          <dl className="kv">
            <Fact name="Scope">
              <Scopes sessions={sessions?.sessions ?? []} />
            </Fact>
            <Fact name="Delivered">{count(client.delivered)} in its open sessions</Fact>
            <Fact name="Dropped">{count(client.dropped)} in its open sessions</Fact>
          </dl>
        </section>
      )}
      {asked?.what === 'disconnect' && (
        <Confirm
          title={`Disconnect ${clientId}?`}
          verb="Disconnect"
          act={async () => {
            const { disconnect } = await execute(DisconnectDocument, { session: asked.session.id })
            changed(
              disconnect
                ? `The session of ${clientId} was closed; clients come back by themselves`
                : 'The session had ended already',
            )
          }}
          onClose={() => setAsked(undefined)}
        >
          <p>
            The {asked.session.transport} session from {asked.session.address} closes with 1012. The client comes back
            by itself and resumes at its cursor, so nothing is lost.
          </p>
        </Confirm>
      )}
      {asked?.what === 'revoke' && (
        <Confirm
          title={`Revoke ${clientId}?`}
          verb="Revoke"
          typed={clientId}
          act={async () => {
            await execute(RevokeDocument, { clientId })
            changed(`All tokens of ${clientId} are revoked`)
          }}
          onClose={() => setAsked(undefined)}
        >
          <p>
            Its sessions close with 4292 on every replica, and every token that it was given until now is refused. It
            comes back when it gets a new one. This cannot be undone.
          </p>
        </Confirm>
      )}
      {asked?.what === 'ban' && (
        <Confirm
          title={`Ban ${clientId}?`}
          verb="Ban"
          typed={clientId}
          act={async () => {
            await execute(BanDocument, { clientId })
            changed(`${clientId} is banned`, { label: 'Undo', run: () => void unban() })
          }}
          onClose={() => setAsked(undefined)}
        >
          <p>
            Its sessions close with 4292 on every replica, and every token is refused, also later ones of any issuer,
            until the ban is lifted.
          </p>
        </Confirm>
      )}
    </Drawer>
  )
}
