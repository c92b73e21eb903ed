import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendJson } from '../http/answer-request.ts'

export interface LandingFacts {
  readonly version: string
  readonly graphiql: boolean
  readonly room: boolean
  broker(): 'UP' | 'DOWN'
}

/** `GET /`: the status as JSON, or for a browser a page with links. */
export function landingPage(facts: LandingFacts): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      sendJson(response, 405, {
        error: { code: 'METHOD_NOT_ALLOWED', message: `/: expected GET or HEAD, got ${request.method}` },
      })
      return
    }
    const broker = facts.broker()
    if (!(request.headers.accept ?? '').includes('text/html')) {
      sendJson(response, 200, { status: 'ok', name: 'warren', version: facts.version, broker })
      return
    }
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    })
    response.end(page(facts, broker))
  }
}

function page({ version, graphiql, room }: LandingFacts, broker: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Warren</title>
<style>
  :root { color-scheme: light dark }
  body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto; padding: 0 1.5rem }
  a.main { display: inline-block; padding: .6rem 1.2rem; border: 2px solid; border-radius: .5rem; text-decoration: none; font-weight: 600 }
  code { font-size: .95em }
</style>
<h1>Warren</h1>
<p>GraphQL subscriptions for RabbitMQ. Version ${version}; the broker is <strong>${broker.toLowerCase()}</strong>.</p>
${graphiql ? '<p><a class="main" href="/graphql">Open GraphiQL</a></p>' : ''}
${room ? '<p><a href="/client">Open the room</a> to see what the clients of <code>/ws</code> send and what the processors return.</p>' : ''}
<p>Clients connect to <code>/graphql</code>: queries and mutations over HTTP, subscriptions over graphql-transport-ws and
server-sent events. Continue with <code>README.md</code> and <code>docs/</code> of the project.</p>
</html>
`
}
