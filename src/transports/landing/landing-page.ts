import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendJson } from '../http/answer-request.ts'
import { isThisMachine } from '../http/hosts.ts'
import { hero } from './hero.ts'
import { script } from './script.ts'
import { icon, style } from './style.ts'

export interface LandingFacts {
  readonly version: string
  readonly graphiql: boolean
  readonly room: boolean
  readonly socketcluster: boolean
  readonly tcpPort: number | 'off'
  readonly opsPort: number | 'off'
  readonly console: 'ops' | 'on' | 'off'
  broker(): 'UP' | 'DOWN'
}

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

const policy = [
  "default-src 'none'",
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

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
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy })
    response.end(page(facts, broker, request.headers.host))
  }
}

/** `GET /favicon.svg` */
export function serveIcon(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'image/svg+xml', 'cache-control': 'public, max-age=86400' }).end(icon)
}

/** Where a browser on this machine finds the console. Undefined if it cannot reach it. */
function consoleHref({ console: served, opsPort }: LandingFacts, host: string | undefined): string | undefined {
  if (served === 'on') return '/console'
  if (served === 'off' || opsPort === 'off') return undefined
  const name = host?.replace(/:\d+$/, '')
  // The ops port listens on loopback, so a link helps only there.
  return name !== undefined && /^[\w.:[\]-]+$/.test(name) && isThisMachine(name)
    ? `http://${name}:${opsPort}/console`
    : undefined
}

function page(facts: LandingFacts, broker: 'UP' | 'DOWN', host: string | undefined): string {
  const { version, graphiql, room, socketcluster, tcpPort, opsPort } = facts
  const href = consoleHref(facts, host)
  const isUp = broker === 'UP'
  const doors = [
    href !== undefined &&
      door(
        href,
        'Console',
        'Every message, client and position',
        facts.console === 'on' ? '/console' : `/console on port ${opsPort}`,
      ),
    href === undefined &&
      facts.console === 'ops' &&
      opsPort !== 'off' &&
      closedDoor('Console', 'Every message, client and position', `/console on the ops port, ${opsPort}`),
    graphiql && door('/graphql', 'GraphiQL', 'Try queries and subscriptions; works without internet', '/graphql'),
    room && door('/client', 'Room', 'What clients of the plain WebSocket send, and what comes back', '/client'),
  ].filter((one) => typeof one === 'string')
  const acts = [
    href !== undefined && `<a class="btn main-act" href="${href}">Open the console</a>`,
    graphiql && `<a class="btn" href="/graphql">Try a query</a>`,
  ]
    .filter((one) => typeof one === 'string')
    .join('')
  const state = isUp ? 'Broker up' : 'Broker away: clients stay connected, and get their messages when it is back'
  const endpoints = [
    ['GraphQL over HTTP, SSE, multipart', 'POST, GET', '/graphql'],
    ['graphql-transport-ws', 'WebSocket', '/graphql'],
    ...(socketcluster ? [['SocketCluster 1 and 2', 'WebSocket', '/socketcluster/']] : []),
    ...(room ? [['Plain WebSocket', 'WebSocket', '/ws']] : []),
    ...(tcpPort === 'off' ? [] : [['Framed TCP', 'TCP', `port ${tcpPort}`]]),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Warren</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<style>${style}</style>
</head>
<body>
<header><img src="/favicon.svg" alt="" width="24" height="24"><strong>Warren</strong><button id="theme" class="btn" type="button" aria-label="Use the other theme" hidden>${sun}</button></header>
<main>
<section class="hero"><div>
<h1>Every RabbitMQ message, to the client it is for.</h1>
<p class="lead">Warren is the GraphQL subscription gateway of this system. Clients subscribe, get their messages in order, and resume from a cursor.</p>
<p class="acts">${acts}</p>
<p class="state"><span class="${isUp ? 'up' : 'down'}">${state}</span><span>Warren ${version}</span></p>
</div>
<figure>${hero}</figure>
</section>
<nav aria-label="Where to go">${doors.join('')}</nav>
<section class="panels">
<div class="panel"><h2>Subscribe</h2><pre>subscription {
  channel(clientId: "alice") {
    cursor
    data
  }
}</pre></div>
<div class="panel"><h2>Endpoints</h2><table>${endpoints
    .map(([name, how, where]) => `<tr><th scope="row">${name}</th><td>${how}</td><td><code>${where}</code></td></tr>`)
    .join('')}</table></div>
</section>
</main>
<footer>No request leaves this machine. Health and metrics are on the ops port. The documentation is in <code>docs/</code> of the package.</footer>
<script>${script}</script>
</body>
</html>
`
}

const sun =
  '<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><circle cx="8" cy="8" r="2.8"/><path d="M8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9"/></svg>'

function door(href: string, title: string, text: string, where: string): string {
  return `<a class="panel door" href="${href}"><h2>${title}</h2><p>${text}</p><code>${where}</code></a>`
}

function closedDoor(title: string, text: string, where: string): string {
  return `<div class="panel door"><h2>${title}</h2><p>${text}</p><code>${where}</code></div>`
}
