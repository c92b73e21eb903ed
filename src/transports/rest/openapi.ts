import { errorTable } from '../../errors.ts'

const string = { type: 'string' } as const

const refusal = (description: string): object => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } },
})

const json = (description: string, schema: object, headers?: object): object => ({
  description,
  ...(headers ? { headers } : {}),
  content: { 'application/json': { schema } },
})

const closed = (properties: Record<string, object>): object => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties),
  properties,
})

const text = (description: string): object => ({ description, content: { 'text/plain': { schema: string } } })

/** What every deprecated route says: RFC 9745 and RFC 8288. */
const deprecation = {
  Deprecation: { required: true, schema: { type: 'string', pattern: '^@\\d+$' } },
  Link: { required: true, schema: { type: 'string', pattern: 'rel="successor-version"' } },
}

const clientId = { oneOf: [{ type: 'string', minLength: 1 }, { type: 'integer' }] }

/**
 * The REST API of the old systems (OpenAPI 3.1); a test holds it against the routes and their
 * answers.
 */
export const openApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'Warren: the REST API of the old publisher and socket server',
    version: '1',
    description: 'For clients that were written for them. New ones use GraphQL at /graphql.',
  },
  paths: {
    '/': {
      get: {
        summary: 'Whether the gateway is up; for a browser a page that leads on',
        responses: {
          200: json('It is', { type: 'object', required: ['status'], properties: { status: { const: 'ok' } } }),
        },
      },
    },
    '/v1/create-channel-client': {
      post: {
        summary: 'Makes the channel that bears the client’s id; repeatable with the same password',
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: ['name', 'email', 'password'],
                anyOf: ['clientId', 'client_id', 'clientID', 'id'].map((name) => ({ required: [name] })),
                properties: {
                  clientId,
                  client_id: clientId,
                  clientID: clientId,
                  id: clientId,
                  name: string,
                  email: { type: 'string', format: 'email' },
                  password: string,
                },
              },
            },
          },
        },
        responses: {
          200: json('There was one, with this password', { $ref: '#/components/schemas/Channel' }),
          201: json('There is one now', { $ref: '#/components/schemas/Channel' }),
          400: refusal('`field` names what is wrong'),
          401: refusal('The id is new, and registering takes a token of scope register'),
          403: refusal(
            'A page of another origin; or the caller may not register, passwords give no tokens here, or the client was revoked',
          ),
          404: refusal('The channel was deleted meanwhile'),
          409: refusal('The id is taken by another password'),
          413: { description: 'The body is too large' },
          429: refusal('Too many wrong passwords'),
          503: refusal('RabbitMQ or the registry cannot be reached'),
        },
      },
    },
    '/v1/create-rabbit-ch': {
      get: {
        summary: 'Declares the default source; repeatable, and done at the start already',
        deprecated: true,
        responses: {
          200: json(
            'It is served',
            closed({
              status: { const: 'ok' },
              id: string,
              exchange: string,
              exchangeType: { const: 'TOPIC' },
              routingKey: string,
            }),
            deprecation,
          ),
          503: refusal('RabbitMQ cannot be reached'),
        },
      },
    },
    '/v1/publish-data-over-ch': {
      get: {
        summary: 'Publishes made-up data; only with WARREN_TEST_ROUTES=on',
        deprecated: true,
        parameters: [
          { name: 'clientId', in: 'query', schema: string, description: 'Unset: all channels that are listened to' },
          { name: 'count', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 1000, default: 1 } },
        ],
        responses: {
          200: json(
            'Confirmed by the broker',
            closed({
              status: { const: 'ok' },
              channels: { type: 'array', items: string },
              published: { type: 'integer' },
            }),
            deprecation,
          ),
          400: refusal('`field` names what is wrong'),
          404: refusal('Test routes are off'),
          503: refusal('RabbitMQ cannot be reached'),
        },
      },
    },
    '/jwt': {
      get: {
        summary:
          'A token that publishes to clients on the default source; for a caller that may do so itself, or anybody with WARREN_LEGACY_ACCESS=open',
        deprecated: true,
        security: [{ bearer: [] }, {}],
        responses: {
          200: json('A token with scope publish:<namespace>.events:client.#', closed({ token: string }), deprecation),
          401: refusal('No token, or one that is not valid'),
          403: refusal('The token may not publish'),
        },
      },
    },
    '/health-check': {
      get: {
        summary: 'That the process answers',
        responses: { 200: text('OK'), 403: refusal('A page of another origin') },
      },
    },
    '/openapi.json': { get: { summary: 'This document', responses: { 200: json('It', { type: 'object' }) } } },
  },
  components: {
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    schemas: {
      Channel: closed({ channel: string, clientId: string, token: string, cursor: string }),
      Refusal: closed({
        error: {
          type: 'object',
          additionalProperties: false,
          required: ['code', 'message'],
          properties: {
            code: { enum: [...Object.keys(errorTable), 'NOT_FOUND', 'METHOD_NOT_ALLOWED', 'INTERNAL_SERVER_ERROR'] },
            message: string,
            field: string,
            limit: string,
            id: string,
          },
        },
      }),
    },
  },
} as const
