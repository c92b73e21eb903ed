import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { brotliCompress, brotliDecompress, constants, gzip } from 'node:zlib'
import { names, qualityOf, qualityOfCoding } from '../../http/media-types.ts'
import { tour } from './tour.ts'

type Coding = 'br' | 'gzip' | 'identity'

interface Page {
  readonly policy: string
  /** The brotli form is kept from the start, because most browsers accept it. */
  readonly brotli: Buffer
}

/**
 * Serves GraphiQL with all of its scripts in one page, so that it works without internet access.
 * The page is made on the first request, and each coding once. All responses share the bytes.
 */
export class GraphiQLPage {
  #page: Promise<Page> | undefined
  readonly #bodies = new Map<Coding, Promise<Buffer>>()

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#page ??= render()
    const { policy } = await this.#page
    const coding = codingFor(request.headers['accept-encoding'])
    const body = await this.#bodyIn(coding)
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-length': body.length,
      'content-security-policy': policy,
      'x-frame-options': 'DENY',
      vary: 'accept, accept-encoding',
      ...(coding === 'identity' ? {} : { 'content-encoding': coding }),
    })
    response.end(body)
  }

  #bodyIn(coding: Coding): Promise<Buffer> {
    const known = this.#bodies.get(coding)
    if (known) return known
    const body = this.#encode(coding)
    this.#bodies.set(coding, body)
    return body
  }

  async #encode(coding: Coding): Promise<Buffer> {
    this.#page ??= render()
    const { brotli } = await this.#page
    if (coding === 'br') return brotli
    if (coding === 'identity') return promisify(brotliDecompress)(brotli)
    return promisify(gzip)(await this.#bodyIn('identity'))
  }
}

/** The coding that the client wants most; if several are equal, the smallest. */
function codingFor(acceptEncoding: string | undefined): Coding {
  const brotli = qualityOfCoding(acceptEncoding, 'br')
  const gzipped = qualityOfCoding(acceptEncoding, 'gzip')
  if (brotli > 0 && brotli >= gzipped) return 'br'
  return gzipped > 0 ? 'gzip' : 'identity'
}

/**
 * Whether a browser requests the page, and not a client an answer. GraphiQL keeps its query in the
 * URL, so `?query=` is also a request for the page.
 */
export function wantsPage(request: IncomingMessage): boolean {
  const { accept } = request.headers
  if (request.method !== 'GET' || !names(accept, 'text/html')) return false
  const others = ['application/json', 'application/graphql-response+json', 'text/event-stream'] as const
  return others.every((type) => !names(accept, type) || qualityOf(accept, 'text/html') >= qualityOf(accept, type))
}

/**
 * If GraphiQL opens with several tabs, a tab moves when it is pressed, and the first click misses
 * it. This rule keeps tabs in place.
 */
const steadyTabs = '.graphiql-tab { transform: none !important }'

async function render(): Promise<Page> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const html = renderGraphiQL({ title: 'Warren', subscriptionsProtocol: 'WS', defaultTabs: [...tour] })
    .trim()
    .replace('</head>', `<style>${steadyTabs}</style></head>`)
  const brotli = await promisify(brotliCompress)(html, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })
  return { brotli, policy: policyOf(html) }
}

/**
 * Allows only the scripts of this page, by their hashes. Workers come from blobs that the page
 * makes, styles from the editor.
 */
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
