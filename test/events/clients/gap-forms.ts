import type { Shown, TypedDocument } from '../../graphql/clients/client.ts'

/** Fields of the same events, one for each form of a gap. */
export const gapForms = {
  member: {
    title: 'union with `EventGap`',
    selection: 'kind: __typename ... on EventGap { reason } ... on Item { number }',
  },
  envelope: { title: 'field `EventGap`', selection: 'gap { reason } item { number }' },
  nullable: { title: 'nullable', selection: 'number' },
  strict: { title: 'non-null', selection: 'number' },
  later: { title: 'non-null, `gap: NEXT`', selection: 'number' },
} as const

export type GapForm = keyof typeof gapForms

export const gapFormsSdl = `
type Subscription {
  member(id: ID): ItemOrGap! @events(exchange: "items") @allow
  envelope(id: ID): Envelope! @events(exchange: "items") @allow
  nullable(id: ID): Item @events(exchange: "items") @allow
  strict(id: ID): Item! @events(exchange: "items") @allow
  later(id: ID): Item! @events(exchange: "items", gap: NEXT) @allow
}
type Item { number: Int! }
union ItemOrGap = Item | EventGap
type Envelope { gap: EventGap @from(property: GAP)  item: Item @from(body: "") }
`

export interface GapResult {
  readonly event: {
    readonly kind?: string
    readonly number?: number
    readonly gap?: object | null
    readonly item?: { readonly number: number } | null
  } | null
}

export function documentOf(form: GapForm): TypedDocument<GapResult, { after?: string }> {
  const { selection } = gapForms[form]
  const text = `subscription Event($after: Cursor) { event: ${form}(after: $after) { ${selection} } }`
  return { toString: () => text }
}

/** What an application sees in one result: the number of the event, or a word for the gap. */
export function seen({ data, errors, ended, cause }: Shown<GapResult>): { number?: number; gap?: string } {
  const number = data?.event?.number ?? data?.event?.item?.number
  const isGapError = errors?.some(({ extensions }) => extensions?.['code'] === 'GAP')
  if (isGapError) return { number, gap: 'error' }
  if (ended !== undefined) throw cause ?? new Error('the subscription was completed')
  if (number !== undefined) return { number }
  if (data?.event === null) return { gap: '`null`' }
  if (data?.event?.gap || data?.event?.kind === 'EventGap') return { gap: '`EventGap`' }
  throw new Error(`neither an event nor a gap: ${JSON.stringify({ data, errors })}`)
}
