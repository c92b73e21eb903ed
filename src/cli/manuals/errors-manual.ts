import { closeReasons, errorTable } from '../../errors.ts'

/** `docs/errors.md`. */
export function errorsManual(): string {
  const parts = [
    '# Errors',
    '<!-- Printed from src/errors.ts by `npm run generate`; do not edit. -->',
    [
      'Warren says no in two ways. An **error** answers one request, and the session lives on with all of its other operations. A **close reason** ends',
      'the session, and says whether the client is to come back.',
    ].join('\n'),
    [
      '## Errors\n',
      '* GraphQL, over HTTP, SSE and WebSocket alike: the code stands in `extensions.code`; beside it `field` names the argument that is wrong, or',
      '  `limit` the limit that was reached. The WebSocket stays open.',
      '* REST routes: the HTTP status; in the body `error` with `code`, `message`, and `field` or `limit`.',
      '* Plain WebSocket with the envelope: `{"kind": "error", "error": {"code", …}}`. Framed TCP: `"error": {"code", …}` in the place of `result`. Both stay open.',
      '* SocketCluster: the error of the answer, its `name` the code. The socket stays open.',
      '* Anything unforeseen is `INTERNAL_SERVER_ERROR` with an `id` under which the log has it, and nothing more.',
    ].join('\n'),
    [
      '| GraphQL code | HTTP | WebSocket | SocketCluster | try again | when |',
      '|---|---|---|---|---|---|',
      ...Object.entries(errorTable).map(
        ([code, { http, retry, meaning }]) =>
          `| \`${code}\` | ${http} | stays open | stays open | ${retry ? 'later, as it is' : 'not as it is'} | ${meaning} |`,
      ),
    ].join('\n'),
    [
      '## Close reasons\n',
      'Plain WebSocket closes with the codes of graphql-transport-ws; framed TCP names the reason in a last frame, `{"kind": "close", "reason", …}`.\n',
      'A client that comes back resumes with its last cursor and misses nothing.\n',
      '| reason | graphql-transport-ws | SocketCluster | come back | text |',
      '|---|---|---|---|---|',
      ...Object.entries(closeReasons).map(
        ([reason, { graphqlWs, socketCluster, comeBack, text }]) =>
          `| \`${reason}\` | ${graphqlWs} | ${socketCluster} | ${comeBack ? 'yes' : 'no'} | ${text} |`,
      ),
    ].join('\n'),
    [
      'On graphql-transport-ws the protocol itself closes with 4400 (a frame that is none), 4401 (an operation before the acknowledgement), 4406 (no common',
      'subprotocol), 4408 (no `connection_init` in time), 4409 (an id that is taken) and 4429 (a second `connection_init`).',
      'https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md',
    ].join('\n'),
    [
      'SocketCluster clients stay away after 1000 and 4500 to 4999, and come back by themselves after all else. The protocol itself closes with 4001 (no pong in time),',
      '4005 (no handshake in time) and 4009 (something else before the handshake).',
    ].join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}
