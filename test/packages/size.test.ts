import { gzipSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import { build } from 'esbuild'

/** What a page loads for these imports, with gzip. The packages are those that were built. */
async function sizeOf(code: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: '.' },
    // Not those of this repository, which name the source.
    tsconfigRaw: {},
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    external: ['react'],
    // An import that is left out is a warning.
    logLevel: 'error',
  })
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length
}

test.each([
  ['@warren/client', 3_072],
  ['@warren/client/consume', 3_200],
  ['@warren/client/state', 4_000],
  ['@warren/react', 4_550],
])('%s takes at most %i bytes', async (name, maxBytes) => {
  const size = await sizeOf(`export * from '${name}'`)
  expect(size).toBeLessThanOrEqual(maxBytes)
  // Smaller would be something else, such as an empty module.
  expect(size).toBeGreaterThan(maxBytes * 0.8)
})

test.each([
  ["import '@warren/client'; import '@warren/react'", 30],
  ["export { endWhenSilent } from '@warren/client'", 300],
  ["export { useConnection } from '@warren/react'", 500],
])('a bundler leaves out what is not used: %s', async (code, maxBytes) => {
  expect(await sizeOf(code)).toBeLessThanOrEqual(maxBytes)
})
