import type { Result } from '../../support/frames/graphql-frames.ts'

export const create = `mutation Create($input: CreateClientChannelInput!) {
  createClientChannel(input: $input) { token channel { clientId cursor } }
}`

export interface Created {
  readonly token: string
  readonly channel: { readonly clientId: string; readonly cursor: string }
}

/** What a caller sends in addition to the operation. `from`: its address according to a proxy. */
export interface Sent {
  readonly token?: string
  readonly from?: string
}

export function inputOf(clientId: string, given: Record<string, string> = {}) {
  return { clientId, name: 'Name', email: 'name@example.com', password: 'correct horse', ...given }
}

/** Runs one operation over HTTP, with any result. */
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

/** The code of the first error; `answered` without errors. */
export function outcomeOf({ errors }: Result): unknown {
  return errors ? errors[0]?.extensions?.['code'] : 'answered'
}

/** Registers or logs in, and resolves to the outcome. */
export async function outcomeOfCreate(
  graphqlUrl: string,
  input: ReturnType<typeof inputOf>,
  sent?: Sent,
): Promise<unknown> {
  return outcomeOf(await ask(graphqlUrl, create, { input }, sent))
}

/** Registers or logs in; rejects if that is refused. */
export async function created(
  graphqlUrl: string,
  clientId: string,
  given: Record<string, string> = {},
): Promise<Created> {
  const result = await ask(graphqlUrl, create, { input: inputOf(clientId, given) })
  if (!result.data) throw new Error(JSON.stringify(result.errors))
  return result.data['createClientChannel'] as Created
}
