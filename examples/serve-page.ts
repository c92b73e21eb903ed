/**
 * Bundles a page and serves it on http://localhost:PORT (8080). Your web server does this after a
 * login: it gives the page a token of its user.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** `folder`: has app.tsx and index.html. `settings`: what the page reads from its #settings. */
export async function servePage(folder: URL, settings: object, title: string): Promise<void> {
  const path = fileURLToPath(folder)
  const { outputFiles } = await build({
    entryPoints: [`${path}/app.tsx`],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  const script = outputFiles[0]?.text ?? ''
  // `<` could end the element.
  const json = JSON.stringify(settings).replaceAll('<', String.raw`\u003c`)
  const page = readFileSync(`${path}/index.html`, 'utf8').replace('{}', () => json)
  const files = new Map([
    ['/', { type: 'text/html; charset=utf-8', text: page }],
    ['/app.js', { type: 'text/javascript; charset=utf-8', text: script }],
  ])
  const server = createServer((request, response) => {
    const file = files.get(new URL(request.url ?? '/', 'http://localhost').pathname)
    if (file) response.writeHead(200, { 'content-type': file.type, 'cache-control': 'no-store' }).end(file.text)
    else response.writeHead(404).end()
  })
  server.listen(Number(process.env['PORT'] ?? '8080'), 'localhost', () => {
    const { port } = server.address() as AddressInfo
    console.log(`${title}: http://localhost:${port}`)
  })
}

/** The GraphQL endpoint of the gateway on this machine. */
export const localGateway = `http://localhost:${process.env['WARREN_PORT'] ?? '4000'}/graphql`
