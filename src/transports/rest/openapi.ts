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

/** Headers of every deprecated route: RFC 9745 and RFC 8288. */
const deprecation = {
  Deprecation: { required: true, schema: { type: 'string', pattern: '^@\\d+$' } },
  Link: { required: true, schema: { type: 'string', pattern: 'rel="successor-version"' } },
}

const clientId = { oneOf: [{ type: 'string', minLength: 1 }, { type: 'integer' }] }

/**
 * The REST API of the old systems (OpenAPI 3.1). A test compares it with the routes and their
 * answers.
 */
export const openApiDocument = {
  openapi: '3.1.0',
  info: {
    title: 'Warren: the REST API of the old publisher and socket server',
    version: '1',
    description: 'For existing clients of those systems. New clients use GraphQL at /graphql.',
  },
  paths: {
    '/': {
      get: {
        summary: 'Whether the gateway is up; a browser gets a page with links',
        responses: {
          200: json('The gateway is up', {
            type: 'object',
            required: ['status'],
            properties: { status: { const: 'ok' } },
          }),
        },
      },
    },
    '/v1/create-channel-client': {
      post: {
        summary: 'Creates the channel named after the client id; repeatable with the same password',
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
          200: json('The channel exists, and the password is correct', { $ref: '#/components/schemas/Channel' }),
          201: json('The channel was created', { $ref: '#/components/schemas/Channel' }),
          400: refusal('`field` names the invalid field'),
          401: refusal('The id is new, and registration needs a token with scope register'),
          403: refusal(
            'The request comes from a page of another origin, the caller may not register, this gateway issues no tokens for passwords, or the client was revoked',
          ),
          404: refusal('The channel was deleted during the request'),
          409: refusal('The id is taken with another password'),
          413: { description: 'The body is too large' },
          429: refusal('Too many wrong passwords'),
          503: refusal('RabbitMQ or the registry cannot be reached'),
        },
      },
    },
    '/v1/create-rabbit-ch': {
      get: {
        summary: 'Declares the default source; repeatable, and already done at the start',
        deprecated: true,
        responses: {
          200: json(
            'The source is served',
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
        summary: 'Publishes test data; only with WARREN_TEST_ROUTES=on',
        deprecated: true,
        parameters: [
          { name: 'clientId', in: 'query', schema: string, description: 'Unset: all channels with subscribers' },
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
          400: refusal('`field` names the invalid field'),
          404: refusal('Test routes are off'),
          503: refusal('RabbitMQ cannot be reached'),
        },
      },
    },
    '/jwt': {
      get: {
        summary:
          'Issues a token that publishes to clients on the default source, to a caller that may do so itself; with WARREN_LEGACY_ACCESS=open to any caller',
        deprecated: true,
        security: [{ bearer: [] }, {}],
        responses: {
          200: json('A token with scope publish:<namespace>.events:client.#', closed({ token: string }), deprecation),
          401: refusal('No token, or an invalid token'),
          403: refusal('The token may not publish'),
        },
      },
    },
    '/health-check': {
      get: {
        summary: 'Whether the process answers',
        responses: { 200: text('OK'), 403: refusal('The request comes from a page of another origin') },
      },
    },
    '/openapi.json': {
      get: { summary: 'This document', responses: { 200: json('The document', { type: 'object' }) } },
    },
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
