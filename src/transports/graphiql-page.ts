import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { brotliCompress, brotliDecompress, constants } from 'node:zlib'

/** What a new visitor finds in the editor: the tour of the README. */
const tour = `# 1. Make a channel for a client (no token is needed).
mutation CreateChannel {
  createClientChannel(
    input: { clientId: "alice", name: "Alice", email: "alice@example.com", password: "correct horse" }
  ) {
    token
    channel { clientId cursor }
  }
}

# 2. Listen to it. Headers tab: {"Authorization": "Bearer <a token>"}
subscription Listen {
  channel(clientId: "alice") { cursor data type publishedAt }
}

# 3. In another tab, publish to it. Headers tab: the operator token that the gateway printed.
mutation Publish {
  publish(input: { clientId: "alice", data: { hello: "world" }, type: "greeting" }) { messageId }
}
`

interface Page {
  readonly compressed: Buffer
  readonly policy: string
}

/** GraphiQL with all that it needs in one page: it works with no internet. Made when first asked for, kept compressed. */
export class GraphiQLPage {
  #page: Promise<Page> | undefined

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#page ??= render()
    const { compressed, policy } = await this.#page
    const takesBrotli = /\bbr\b/.test(request.headers['accept-encoding'] ?? '')
    const body = takesBrotli ? compressed : await promisify(brotliDecompress)(compressed)
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'x-frame-options': 'DENY',
      vary: 'accept, accept-encoding',
      ...(takesBrotli ? { 'content-encoding': 'br' } : {}),
    })
    response.end(body)
  }
}

/** Whether a browser asks for a page, and not a client for an answer. */
export function wantsPage(request: IncomingMessage): boolean {
  const accept = request.headers.accept ?? ''
  return request.method === 'GET' && accept.includes('text/html') && !/[?&]query=/.test(request.url ?? '')
}

async function render(): Promise<Page> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const html = renderGraphiQL({ title: 'Warren', subscriptionsProtocol: 'WS', defaultQuery: tour }).trim()
  const compressed = await promisify(brotliCompress)(html, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })
  return { compressed, policy: policyOf(html) }
}

/** Only the scripts of this page run, named by their hashes; workers come from blobs that it makes, styles from the editor. */
function policyOf(html: string): string {
  const hashes = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
    ([, script]) =>
      `'sha256-${createHash('sha256')
        .update(script ?? '')
        .digest('base64')}'`,
  )
  return [
    "default-src 'none'",
    `script-src ${hashes.join(' ')} blob:`,
    'worker-src blob:',
    "style-src 'unsafe-inline'",
    'img-src data: blob:',
    'font-src data:',
    "connect-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
