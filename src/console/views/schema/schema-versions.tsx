import type { TypedFieldsQuery } from '../../api/generated/graphql.ts'
import { Banner } from '../../parts/states.tsx'
import { Time } from '../../parts/time.tsx'

/** Whether all replicas serve one schema. Nothing is shown while they do. */
export function SchemaVersions({ schema }: { schema: TypedFieldsQuery['typedFields'] }) {
  const [own] = schema.replicas
  const others = schema.replicas.filter(({ isSame }) => !isSame)
  const refused = schema.replicas.filter(({ failure }) => failure !== null)
  const [first] = refused
  return (
    <>
      {others.length > 0 && (
        <Banner tone="wait" icon="warn">
          <strong>The replicas serve different schemas.</strong> {own?.replica} serves{' '}
          <code>{own?.hash ?? 'none'}</code>
          {own?.since && (
            <>
              {' '}
              since <Time at={own.since} ms={false} />
            </>
          )}
          ; {others.map(({ replica, hash }) => `${replica} serves ${hash ?? 'none'}`).join(', ')}. Send SIGHUP to the
          replicas that a new schema has not reached.
        </Banner>
      )}
      {first?.failure && (
        <Banner tone="fail" icon="fail">
          <strong>
            {refused.map(({ replica }) => replica).join(', ')} refused a new schema at{' '}
            <Time at={first.failure.at} ms={false} /> and serves the one of before.
          </strong>
          <pre className="small failure-text">{first.failure.message}</pre>
        </Banner>
      )}
    </>
  )
}
