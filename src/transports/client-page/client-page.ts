import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendJson } from '../http/answer-request.ts'
import { script } from './script.ts'
import { style } from './style.ts'

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Allows only this page's script and style, and connections to this gateway. */
const policy = [
  "default-src 'none'",
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** `GET /client`: the browser page of the WebSocket manager, in one document. */
export function serveClientPage(request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    sendJson(response, 405, {
      error: { code: 'METHOD_NOT_ALLOWED', message: `/client: expected GET or HEAD, got ${request.method}` },
    })
    return
  }
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'x-frame-options': 'DENY',
    'cache-control': 'no-cache',
  })
  response.end(page)
}

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Warren: the room</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<header>
  <h1>The room</h1>
  <p id="state" role="status" data-state="connecting">connecting</p>
</header>
<p class="what">This page is a client of the plain WebSocket at <code>/ws</code>. Every client in the room gets every text. A time is when this page sent or received the text, in your time zone.</p>
<details id="who">
  <summary>Token</summary>
  <form id="identify">
    <label for="token">Enter a token. <code>warren token --scope room</code> prints one.</label>
    <div class="row"><input id="token" type="password" autocomplete="off" spellcheck="false"><button>Use it</button></div>
  </form>
</details>
<main>
  <section aria-labelledby="sent-title"><h2 id="sent-title">Sent</h2><p>Your texts. Each is marked as waiting until RabbitMQ has it.</p><ol id="sent" tabindex="0" aria-live="off"></ol></section>
  <section aria-labelledby="other-title"><h2 id="other-title">From others</h2><p>Texts of other clients. The plain WebSocket does not transmit who sent a text.</p><ol id="other" tabindex="0" aria-live="polite"></ol></section>
  <section aria-labelledby="processed-title"><h2 id="processed-title">Processed</h2><p>Texts from your programs behind RabbitMQ. Every client receives them.</p><ol id="processed" tabindex="0" aria-live="polite"></ol></section>
</main>
<form id="send">
  <label for="text">Text for all clients</label>
  <div class="row"><input id="text" autocomplete="off" maxlength="10000" autofocus><button>Send</button></div>
</form>
<script>${script}</script>
</body>
</html>
`
