import { JsonNumber } from '../../core/json/json-number.ts'
import { printCursor } from '../../core/model/cursor.ts'
import { badInput, GatewayError } from '../../errors.ts'
import type { Route } from './route.ts'

/** Spellings that existing clients use. The first one that the body has counts. */
const clientIdNames = ['clientId', 'client_id', 'clientID', 'id'] as const

/**
 * `createClientChannel` as in the old publisher: creates a channel named after the client id, and a
 * token for it.
 */
export const createChannelClient: Route = {
  path: '/v1/create-channel-client',
  method: 'POST',
  async answer(request, { gateway, clientChannels }) {
    const body = await request.body()
    if (typeof body !== 'object' || body === null || Array.isArray(body) || body instanceof JsonNumber) {
      throw badInput('body', 'expected a JSON object with clientId, name, email and password')
    }
    const fields = new Map<string, unknown>(Object.entries(body))
    const idName = clientIdNames.find((name) => fields.has(name)) ?? 'clientId'
    const text = (name: string): string => {
      const value = fields.get(name)
      if (typeof value !== 'string') throw badInput(name, 'expected a non-empty string')
      return value
    }
    const input = {
      clientId: idOf(fields.get(idName), idName),
      name: text('name'),
      email: text('email'),
      password: text('password'),
    }
    const { client, token, created } = await clientChannels
      .create(input, { address: request.address, caller: () => request.identity() })
      .catch((error: unknown) => {
        throw withSpelling(error, idName)
      })
    const { clientId } = client
    const cursor = printCursor(await gateway.position())
    return { status: created ? 201 : 200, body: { channel: clientId, clientId, token, cursor } }
  },
}

/**
 * Some back ends number their clients. The id is then the number as it was written, digit by digit.
 */
function idOf(value: unknown, name: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  if (value instanceof JsonNumber && value.isInteger) return value.token
  throw badInput(name, 'expected a non-empty string or an integer')
}

/** Names the client id as the caller spelled it. */
function withSpelling(error: unknown, idName: string): unknown {
  if (!(error instanceof GatewayError) || error.field !== 'clientId') return error
  return new GatewayError(error.code, error.message.replace(/^clientId/, idName), { field: idName })
}
