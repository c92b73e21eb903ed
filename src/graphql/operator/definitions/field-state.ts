import type { FieldStateDefinition } from '../../../core/inspection/definitions/field-definition.ts'
import type { InspectedField } from '../../../core/inspection/definitions/schema-inspector.ts'
import type { InspectedState } from '../../../core/state/inspect-state.ts'
import { builder } from '../../builder.ts'

interface DescribedState extends InspectedState {
  readonly definition: FieldStateDefinition
}

const StateStatusEnum = builder.enumType('TypedFieldStateStatus', {
  values: {
    READY: { description: 'Subscriptions and queries get it.' },
    BUILDING: { description: 'The fold has not reached the end of the journal. Who asks for it waits.' },
    FULL: {
      description: 'It exceeds WARREN_MAX_STATE_KEYS or WARREN_MAX_STATE_BYTES, so it is neither folded nor served.',
    },
    UNAVAILABLE: { description: 'Its database cannot be read.' },
  } as const,
})

/** The keyed state of a typed field. */
export const TypedFieldState = builder.objectRef<DescribedState>('TypedFieldState').implement({
  description:
    'The keyed state of a field, from the database that all replicas share. Without the database, what it holds is null.',
  fields: (t) => ({
    key: t.string({
      description: 'Where the key of a message is.',
      resolve: ({ definition }) => definition.key,
    }),
    deleteOn: t.stringList({
      description: 'Event types that remove the key of their message.',
      resolve: ({ definition }) => [...definition.deleteOn],
    }),
    keepMs: t.float({
      nullable: true,
      description: 'How long a key stays after its last message. Null: always.',
      resolve: ({ definition }) => definition.keepMs,
    }),
    status: t.field({ type: StateStatusEnum, resolve: ({ status }) => status }),
    keys: t.int({
      nullable: true,
      description: 'Without removed keys.',
      resolve: ({ content }) => content?.keys,
    }),
    removedKeys: t.int({
      nullable: true,
      description: 'Keys that were removed, and are kept for clients that come back.',
      resolve: ({ content }) => content?.removedKeys,
    }),
    bytes: t.float({
      nullable: true,
      description: 'Of the last messages of all keys.',
      resolve: ({ content }) => content?.bytes,
    }),
    cursor: t.field({
      type: 'Cursor',
      nullable: true,
      description: 'The last message of the journal that is folded. Null: none is.',
      resolve: ({ content }) => content?.cursor,
    }),
    lag: t.float({
      nullable: true,
      description: 'Messages of the journal that are not folded yet.',
      resolve: ({ content }) => content?.lag,
    }),
    replica: t.string({
      nullable: true,
      description: 'The replica that folds it. Null: no replica does.',
      resolve: ({ content }) => content?.replica,
    }),
  }),
})

export async function describedState({ definition, state }: InspectedField): Promise<DescribedState | null> {
  if (!definition.state) return null
  const inspected = await state()
  return inspected ? { ...inspected, definition: definition.state } : null
}
