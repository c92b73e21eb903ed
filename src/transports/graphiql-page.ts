import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { brotliCompress, brotliDecompress, constants } from 'node:zlib'
import { tour } from './graphiql-tour.ts'

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

/** Whether a browser asks for a page, and not a client for an answer. GraphiQL keeps its query in the URL: `?query=` is the page too. */
export function wantsPage(request: IncomingMessage): boolean {
  const accept = request.headers.accept ?? ''
  return request.method === 'GET' && accept.includes('text/html')
}

/** Where GraphiQL opens with several tabs, each jumps aside as it is pressed, and the first click misses it. */
const steadyTabs = '.graphiql-tab { transform: none !important }'

async function render(): Promise<Page> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const html = renderGraphiQL({ title: 'Warren', subscriptionsProtocol: 'WS', defaultTabs: [...tour] })
    .trim()
    .replace('</head>', `<style>${steadyTabs}</style></head>`)
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
