/**
 * Serves the page of one customer:
 *
 *     node --import tsx examples/shop/serve.ts <customer> <token> [GraphQL endpoint]
 *
 * PORT sets another port than 8080. Your web server does this after a login: it gives the page a
 * token of its user.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const localGateway = `http://localhost:${process.env['WARREN_PORT'] ?? '4000'}/graphql`
const [customerId, token, gateway = localGateway] = process.argv.slice(2)
if (!customerId || !token) {
  console.error('expected a customer and a token, such as: alice "$(npx warren token --client alice)"')
  process.exit(2)
}

const folder = fileURLToPath(new URL('page', import.meta.url))
const { outputFiles } = await build({
  entryPoints: [`${folder}/app.tsx`],
  bundle: true,
  write: false,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
})
const script = outputFiles[0]?.text ?? ''
// `<` could end the element.
const settings = JSON.stringify({ gateway, customerId, token }).replaceAll('<', String.raw`\u003c`)
const page = readFileSync(`${folder}/index.html`, 'utf8').replace('{}', () => settings)

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
  console.log(`The shop of ${customerId}: http://localhost:${port}`)
})
