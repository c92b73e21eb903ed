import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openBrowser } from '../support/processes/chromium.ts'
import { pages } from './documents.ts'

const run = promisify(execFile)
const site = 'docs/.vitepress/dist'
let server: Awaited<ReturnType<typeof serve>>

// VitePress fails on a link to a page that does not exist. The first run installs it.
beforeAll(async () => {
  await run('npm', ['run', '--silent', 'docs'], { maxBuffer: 16 * 1024 * 1024 })
  server = await serve()
}, 600_000)
afterAll(() => server?.close())

test('the site has every page of docs, and the files that they link to', () => {
  const built = pages()
    .map(({ path }) => path)
    .filter((path) => path.startsWith('docs/'))
    .map((path) =>
      path.replace(/^docs\//, '').replace(/(README)?\.md$/, (_end, index) => `${index ? 'index' : ''}.html`),
    )
  expect(built.length).toBeGreaterThan(40)
  expect(built.filter((page) => !existsSync(join(site, page)))).toEqual([])
  for (const [page, file] of [
    ['protocols/resume.html', 'examples/clients/python/resume.py'],
    ['index.html', 'CONTRIBUTING.md'],
  ] as const) {
    const copy = `source/${file.replace(/\.md$/, '.md.txt')}`
    expect(readFileSync(join(site, page), 'utf8')).toContain(`href="/${copy}"`)
    expect(readFileSync(join(site, copy), 'utf8')).toBe(readFileSync(file, 'utf8'))
  }
})

test('a reader searches without a network, follows an anchor, and chooses the theme', async () => {
  await using browser = await openBrowser()
  const page = await browser.context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(`${server.url}/`)
  await page.getByRole('link', { name: 'Recipes for publishers' }).first().waitFor()

  await page.getByRole('button', { name: 'Search' }).first().click()
  await page.getByRole('searchbox').fill('MassTransit envelope')
  const found = page
    .getByRole('listbox')
    .getByRole('link', { name: /MassTransit/ })
    .first()
  await found.click()
  await page.getByRole('heading', { name: 'MassTransit', level: 2 }).waitFor()
  expect(page.url()).toBe(`${server.url}/guides/publisher-recipes#masstransit`)

  const isDark = () => page.evaluate('document.documentElement.classList.contains("dark")')
  const before = await isDark()
  await page.getByRole('switch').first().click()
  expect(await isDark()).toBe(!before)
  expect(errors).toEqual([])
  expect(browser.outside()).toEqual([])
})

/** Serves the site as a host with clean URLs does: `/faq` is `faq.html`. */
async function serve() {
  const types: Record<string, string> = {
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
  }
  const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true
  const http = createServer(({ url = '/' }, response) => {
    const path = join(site, decodeURIComponent(new URL(url, 'http://localhost').pathname))
    const file = [path, `${path}.html`, join(path, 'index.html')].find(isFile)
    if (file === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': types[extname(file)] ?? 'text/plain' }).end(readFileSync(file))
  })
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    close: () => new Promise((closed) => http.close(closed)),
  }
}
