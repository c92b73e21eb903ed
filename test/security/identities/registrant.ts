import type { Result } from '../../support/frames/graphql-frames.ts'

export const create = `mutation Create($input: CreateClientChannelInput!) {
  createClientChannel(input: $input) { token channel { clientId cursor } }
}`

export interface Created {
  readonly token: string
  readonly channel: { readonly clientId: string; readonly cursor: string }
}

/** What a caller sends besides the operation. `from`: what a proxy says that its address is. */
export interface Sent {
  readonly token?: string
  readonly from?: string
}

export function inputOf(clientId: string, given: Record<string, string> = {}) {
  return { clientId, name: 'Name', email: 'name@example.com', password: 'correct horse', ...given }
}

/** One operation over HTTP, whatever comes of it. */
export async function ask(
  graphqlUrl: string,
  query: string,
  variables: Record<string, unknown> = {},
  { token, from }: Sent = {},
): Promise<Result> {
  const response = await fetch(graphqlUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(from === undefined ? {} : { 'x-forwarded-for': from }),
    },
    body: JSON.stringify({ query, variables }),
  })
  return (await response.json()) as Result
}

/** The code of the first error; `answered` where there is none. */
export function outcomeOf({ errors }: Result): unknown {
  return errors ? errors[0]?.extensions?.['code'] : 'answered'
}

/** Registers, or logs in: its outcome. */
export async function outcomeOfCreate(
  graphqlUrl: string,
  input: ReturnType<typeof inputOf>,
  sent?: Sent,
): Promise<unknown> {
  return outcomeOf(await ask(graphqlUrl, create, { input }, sent))
}

/** Registers, or logs in; rejects where that is refused. */
export async function created(
  graphqlUrl: string,
  clientId: string,
  given: Record<string, string> = {},
): Promise<Created> {
  const result = await ask(graphqlUrl, create, { input: inputOf(clientId, given) })
  if (!result.data) throw new Error(JSON.stringify(result.errors))
  return result.data['createClientChannel'] as Created
}
