import { gzipSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import { build } from 'esbuild'

/** What a page loads, with gzip. */
async function sizeOf(entry: string): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    external: ['react'],
  })
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length
}

test.each([
  ['src/client/resume.ts', 3_072],
  ['src/client/consume.ts', 3_200],
  ['src/client/state.ts', 3_800],
  ['src/react/hooks.ts', 4_300],
])('%s takes at most %i bytes', async (entry, maxBytes) => {
  expect(await sizeOf(entry)).toBeLessThanOrEqual(maxBytes)
})
