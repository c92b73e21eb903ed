import { closeReasons } from '../../close-reasons.ts'
import { errorTable, requestErrorTable } from '../../errors.ts'

/** `docs/errors.md`. */
export function errorsManual(): string {
  const parts = [
    '# Errors',
    '<!-- Printed from src/errors.ts and src/close-reasons.ts by `npm run generate`; do not edit. -->',
    [
      'Warren has two kinds of failures. An **error** answers one request, and the session continues with all other operations.',
      'A **close reason** ends the session and states whether the client should reconnect.',
    ].join('\n'),
    [
      '## Errors\n',
      '* GraphQL over HTTP, SSE and WebSocket: `extensions.code` has the code. `extensions.field` names the wrong argument, or',
      '  `extensions.limit` the limit that was reached. The WebSocket stays open.',
      '* REST routes: the HTTP status, and a body with `error`, which has `code`, `message`, and `field` or `limit`.',
      '* Plain WebSocket with the envelope: `{"kind": "error", "error": {"code", …}}`. The socket stays open.',
      '* Framed TCP: `"error": {"code", …}` instead of `result`. The connection stays open.',
      '* SocketCluster: the error of the response, with the code as its `name`. The socket stays open.',
      '* Unexpected errors: `INTERNAL_SERVER_ERROR` with an `id` and no details. The log of the gateway has the details with the same id.',
    ].join('\n'),
    [
      '| GraphQL code | HTTP | WebSocket | SocketCluster | retry | meaning |',
      '|---|---|---|---|---|---|',
      ...Object.entries(errorTable).map(
        ([code, { http, retry, meaning }]) =>
          `| \`${code}\` | ${http} | stays open | stays open | ${retry ? 'later, unchanged' : 'only if changed'} | ${meaning} |`,
      ),
    ].join('\n'),
    [
      'Requests that reach no operation have codes of their own over HTTP:\n',
      '| code | HTTP | meaning |',
      '|---|---|---|',
      ...Object.entries(requestErrorTable).map(([code, { http, meaning }]) => `| \`${code}\` | ${http} | ${meaning} |`),
    ].join('\n'),
    [
      '## Close reasons\n',
      'Plain WebSocket and the subprotocol `graphql-ws` use the close codes of graphql-transport-ws. Framed TCP sends the reason in a last frame, `{"kind": "close", "reason", …}`.',
      'Server-sent events break off if the client should reconnect, and end with `complete` otherwise. Multipart responses and callbacks end with an error that has the reason as its `code`, and `comeBack`.\n',
      'A client that reconnects resumes with its last cursor and misses no event.\n',
      'After 4401 (no token) and 4403 (an invalid token) a client asks for a new token and reconnects, at most three times in a row.\n',
      '| reason | graphql-transport-ws | SocketCluster | reconnect | text |',
      '|---|---|---|---|---|',
      ...Object.entries(closeReasons).map(
        ([reason, { graphqlWs, socketCluster, comeBack, text }]) =>
          `| \`${reason}\` | ${graphqlWs} | ${socketCluster} | ${comeBack ? 'yes' : 'no'} | ${text} |`,
      ),
    ].join('\n'),
    [
      'The protocol graphql-transport-ws itself defines 4400 (an invalid frame), 4401 (an operation before the acknowledgement), 4406 (no common',
      'subprotocol), 4408 (no `connection_init` in time), 4409 (an operation id that is in use) and 4429 (a second `connection_init`).',
      'https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md',
    ].join('\n'),
    [
      'SocketCluster clients do not reconnect after 1000 and 4500 to 4999, and do so after all other codes. The protocol itself defines 4001 (no pong',
      'in time), 4005 (no handshake in time) and 4009 (another frame before the handshake).',
    ].join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}
