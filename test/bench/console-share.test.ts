import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from '@jest/globals'
import { type CpuProfile, consoleFunctions, consoleShareOf, consoleSources } from '../../bench/console/console-share.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

/** A program of one function. Its source map names this source. */
function programOf(folder: string, name: string, source: string): string {
  const map = { version: 3, sources: [`../../${source}`], names: [], mappings: 'AAAA' }
  writeFileSync(join(folder, `${name}.js.map`), JSON.stringify(map))
  return pathToFileURL(join(folder, `${name}.js`)).href
}

test('counts a sample if a function of the console is anywhere on its stack', () => {
  const folder = newFolder()
  try {
    const operator = programOf(folder, 'operator', 'src/graphql/operator/clients.ts')
    const shared = programOf(folder, 'shared', 'src/core/json/print-json.ts')
    const node = (id: number, functionName: string, url: string, children: number[] = []) => ({
      id,
      children,
      callFrame: { functionName, url, lineNumber: 0, columnNumber: 0 },
    })
    const profile: CpuProfile = {
      nodes: [
        node(1, '(root)', '', [2, 3, 5, 6, 7]),
        node(2, '(idle)', ''),
        node(3, 'resolve', operator, [4]),
        node(4, 'printJson', shared),
        node(5, 'printJson', shared),
        node(6, '#runInEnvelope', shared),
        node(7, 'emit', 'node:events'),
      ],
      samples: [2, 3, 4, 5, 6, 7],
      timeDeltas: [500, 100, 100, 100, 100, 100],
    }
    expect(consoleShareOf(profile)).toEqual({ console: 0.3, busy: 0.5, samples: 6 })
  } finally {
    removeFolder(folder)
  }
})

test('each place that counts for the console exists', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `src/${name}`)
  const packages = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, unknown> }
  const places = [...files, ...Object.keys(packages.packages).map((path) => `${path}/`)]
  // Each alternative of a pattern: one that names nothing any more would count nothing.
  for (const alternative of consoleSources.flatMap(({ source }) => alternativesOf(source)))
    expect({ alternative, exists: places.some((place) => new RegExp(alternative).test(place)) }).toEqual({
      alternative,
      exists: true,
    })
  const text = files.map((file) => readFileSync(file, 'utf8')).join('')
  for (const name of consoleFunctions) expect(text).toContain(`async ${name}(`)
})

/** `^a(b|c)$` as `^ab$` and `^ac$`. */
function alternativesOf(source: string): string[] {
  const [, before = '', inside, after = ''] = /^(.*?)\(([^()]*)\)(.*)$/.exec(source) ?? []
  return inside === undefined ? [source] : inside.split('|').map((one) => before + one + after)
}
