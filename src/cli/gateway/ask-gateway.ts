import { printJson } from '../../core/json/print-json.ts'
import { errorText } from '../../core/model/error-text.ts'
import { CommandFailure } from '../failure.ts'

/**
 * Applies to a gateway that does not answer at all. The gateway itself limits how long it waits for
 * the broker.
 */
const answerTimeoutMs = 60_000

interface Answer<Data> {
  readonly data?: Data | null
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[]
}

/**
 * Sends one query or mutation. Throws `CommandFailure` with the error of the gateway, or if no
 * gateway answers.
 */
export async function askGateway<Data>(url: string, token: string, query: string, variables: object): Promise<Data> {
  const { data, errors = [] } = await post<Data>(url, token, { query, variables })
  const [error] = errors
  if (error) throw new CommandFailure([error.extensions?.code, error.message].filter(Boolean).join(': '))
  if (!data) throw new CommandFailure(`${url}: expected the response of a Warren gateway, got another`)
  return data
}

async function post<Data>(url: string, token: string, body: unknown): Promise<Answer<Data>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      authorization: `Bearer ${token}`,
    },
    body: printJson(body) ?? null,
    signal: AbortSignal.timeout(answerTimeoutMs),
  }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw new CommandFailure(`--url: no gateway answers at ${url} (${errorText(cause)})`)
  })
  const text = await response.text()
  try {
    return JSON.parse(text) as Answer<Data>
  } catch {
    throw new CommandFailure(`${url}: expected the response of a Warren gateway, got status ${response.status}`)
  }
}
