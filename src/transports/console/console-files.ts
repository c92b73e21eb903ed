import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sendJson } from '../http/answer-request.ts'
import { qualityOfCoding } from '../http/media-types.ts'

/** Where the console is served, without a final slash. */
export const consolePath = '/console'
/** The same as `/graphql` of the ops port, on every port with the console. */
export const consoleGraphQLPath = '/console/graphql'

/** Everything comes from files of this origin. Nothing inline, and no request to another host. */
export const consolePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

const page = 'index.html'

/**
 * Serves the built console, `dist/console`. The build has compressed its files. A path that names
 * no file is a view of the console, and gets the page.
 */
export class ConsoleFiles {
  readonly #folder: URL
  #names: ReadonlySet<string> | undefined

  constructor({ folder }: { folder: URL }) {
    this.#folder = folder
  }

  /** `path` is the path of the request. */
  async serve(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      const message = `${consolePath}: expected GET or HEAD, got ${request.method}`
      return sendJson(response, 405, { error: { code: 'METHOD_NOT_ALLOWED', message } })
    }
    // Read on the first request, so that a gateway without an open console does nothing.
    this.#names ??= namesIn(this.#folder)
    const name = path.slice(consolePath.length + 1)
    const isAsset = name.startsWith('assets/') || extname(name) !== ''
    if ((isAsset && !this.#names.has(name)) || !this.#names.has(page)) {
      const message = this.#names.has(page)
        ? `no file at ${path.slice(0, 200)}`
        : 'the console was not built; `npm run build` builds it'
      return sendJson(response, 404, { error: { code: 'NOT_FOUND', message } })
    }
    await this.#send(isAsset ? name : page, request, response)
  }

  async #send(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const compressed = `${name}.br`
    const coded = this.#names?.has(compressed) && qualityOfCoding(request.headers['accept-encoding'], 'br') > 0
    const body = await readFile(new URL(coded ? compressed : name, this.#folder))
    response.writeHead(200, {
      'content-type': types[extname(name)] ?? 'application/octet-stream',
      'content-length': body.length,
      'content-security-policy': consolePolicy,
      'cross-origin-opener-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      vary: 'accept-encoding',
      // Names of assets contain a hash of their content.
      'cache-control': name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      ...(coded ? { 'content-encoding': 'br' } : {}),
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
}

/** Whether the path is one of the console. */
/** Whether the ops port serves the path to operators: the console, and GraphQL. */
export function isForOperators(path: string): boolean {
  return path === '/graphql' || path === '/graphql/' || isOfConsole(path)
}

export function isOfConsole(path: string): boolean {
  return path === consolePath || path.startsWith(`${consolePath}/`)
}

/** The files of the folder as paths below it. Empty if there is no such folder. */
function namesIn(folder: URL): ReadonlySet<string> {
  try {
    const root = fileURLToPath(folder)
    const entries = readdirSync(root, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile())
    return new Set(files.map(({ parentPath, name }) => `${parentPath}/${name}`.slice(root.length).replace(/^\/+/, '')))
  } catch {
    return new Set()
  }
}
