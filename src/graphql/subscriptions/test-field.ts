import type { FieldResultForCaller } from '../../core/inspection/definitions/field-definition.ts'
import { JsonNumber } from '../../core/json/json-number.ts'
import { JsonText, printJson } from '../../core/json/print-json.ts'
import { type ChannelEvent as CoreEvent, checkClientId } from '../../core/model/channel-event.ts'
import { type Identity, parseScope } from '../../core/model/identity.ts'
import { TokenClaims } from '../../core/model/token-claims.ts'
import { demand, mayOperate } from '../../core/sessions/authorizer.ts'
import { badInput } from '../../errors.ts'
import { builder } from '../builder.ts'
import { ChannelEventUnion } from '../channels/channel-event.ts'
import { operatorsOnly, separateEvents } from '../operators-only.ts'

/** In characters of JSON. */
const maxClaims = 8_192

interface FieldEvent {
  readonly clientId: string
  readonly event: CoreEvent
  readonly result: FieldResultForCaller | undefined
}

const TestFieldEvent = builder.objectRef<FieldEvent>('TestFieldEvent').implement({
  description: 'What a typed field delivers to a client for one event.',
  fields: (t) => ({
    value: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The value of the field, with everything that the client may select.',
      resolve: ({ result }) => (result?.kind === 'value' && result.json !== 'null' ? new JsonText(result.json) : null),
    }),
    removedKey: t.string({
      nullable: true,
      description: 'The key that the message removed from keyed state.',
      resolve: ({ result }) => (result?.kind === 'value' ? result.removedKey : null),
    }),
    error: t.string({
      nullable: true,
      description: 'The error that the client gets in place of a value.',
      resolve: ({ result }) => (result?.kind === 'error' ? result.message : null),
    }),
    event: t.field({
      type: ChannelEventUnion,
      description: 'The message as it was published, or the gap.',
      resolve: ({ clientId, event }) => ({ clientId, event }),
    }),
  }),
})

builder.subscriptionField('testField', (t) =>
  t.field({
    type: TestFieldEvent,
    description:
      'Operators only. What a typed field delivers to a client with a token that has the given claims, at a position of its own: for the client nothing changes. Refused as the client would be. Writes a line to the log.',
    extensions: { ...operatorsOnly, ...separateEvents },
    args: {
      clientId: t.arg.id({ required: true }),
      field: t.arg.string({
        required: true,
        description:
          'The field and its arguments, URL-encoded: `orderChanged?customerId=7`. The same form as on SocketCluster.',
      }),
      claims: t.arg({
        type: 'JSON',
        description:
          'The claims of its token, an object, for the access rules of the field; `scope` as Warren writes scopes. Default: only `sub`, the client id. Warren keeps no tokens, so it cannot know them.',
      }),
      after: t.arg({ type: 'Cursor' }),
      reason: t.arg.string({ description: 'For the log.' }),
    },
    subscribe: (_root, { clientId, field, claims, after, reason }, context): AsyncIterable<CoreEvent> => {
      const { identity, address, inspection } = context
      demand(mayOperate(identity), identity, 'open a test subscription')
      const { access } = inspection.schema.fieldFor(identityWith(clientId, claims), field)
      const subscription = context.subscribeEvent({ after, access })
      inspection.audit({ identity, address }, 'test subscription', `${clientId} on ${field}`, reason)
      return subscription
    },
    resolve: (event, { clientId, field, claims }, { inspection }) => {
      if (event.kind !== 'MESSAGE') return { clientId, event, result: undefined }
      const result = inspection.schema.fieldFor(identityWith(clientId, claims), field).resultOf(event)
      return { clientId, event, result }
    },
  }),
)

/** The identity of a client with a token that has these claims. Throws `BAD_USER_INPUT`. */
function identityWith(clientId: string, claims: unknown): Identity {
  const given = claimsIn(claims)
  const { scope = '' } = given
  if (typeof scope !== 'string') throw badInput('claims', 'expected "scope" to be a string')
  const text = printJson({ ...given, sub: clientId }) ?? ''
  if (text.length > maxClaims) throw badInput('claims', `expected at most ${maxClaims} characters, got ${text.length}`)
  return {
    clientId: checkClientId(clientId),
    scope: parseScope(scope),
    issuedAt: undefined,
    expiresAt: undefined,
    claims: new TokenClaims(text),
  }
}

function claimsIn(claims: unknown): Readonly<Record<string, unknown>> {
  if (claims === undefined || claims === null) return {}
  if (typeof claims !== 'object' || Array.isArray(claims) || claims instanceof JsonNumber)
    throw badInput('claims', 'expected a JSON object')
  return claims as Readonly<Record<string, unknown>>
}
