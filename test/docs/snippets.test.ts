import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { type Block, blocksOf, pages } from './documents.ts'

const folder = newFolder()
afterAll(() => removeFolder(folder))

// A block that imports packages is a module. Blocks without imports are excerpts; relative imports
// are those of a file in `src`.
const modules = pages()
  .flatMap(blocksOf)
  .filter(({ language, text }) => /^tsx?$/.test(language) && /^import .* from '[^.]/m.test(text))
  .filter(({ text }) => !/^import .* from '\./m.test(text))

const { paths } = (
  JSON.parse(readFileSync('tsconfig.json', 'utf8')) as { compilerOptions: { paths: Record<string, string[]> } }
).compilerOptions

symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
copyFileSync('test/docs/snippet-names.d.ts', join(folder, 'snippet-names.d.ts'))
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
writeFileSync(
  join(folder, 'tsconfig.json'),
  JSON.stringify({
    extends: resolve('tsconfig.json'),
    compilerOptions: {
      lib: ['es2023', 'esnext.disposable', 'dom'],
      jsx: 'react-jsx',
      noUnusedLocals: false,
      paths: {
        ...Object.fromEntries(Object.entries(paths).map(([name, [path = '']]) => [name, [resolve(path)]])),
        warren: [resolve('src/index.ts')],
      },
    },
    include: ['.'],
    exclude: [],
  }),
)

/** A sentence for each error, with the place in the page. */
function errorsIn(blocks: readonly Block[]): string[] {
  const names = new Map<string, Block>()
  for (const [index, block] of blocks.entries()) {
    const name = `block${index}.${block.language}`
    names.set(name, block)
    writeFileSync(join(folder, name), block.text)
  }
  try {
    execFileSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', folder], { encoding: 'utf8' })
    return []
  } catch (error) {
    const { stdout } = error as { stdout: string }
    return stdout
      .trim()
      .split('\n')
      .map((line) =>
        line.replace(/^.*?(block\d+\.tsx?)\((\d+),\d+\)/, (_place, name: string, row: string) => {
          const block = names.get(name)
          return `${block?.path}:${(block?.line ?? 0) + Number(row) - 1}`
        }),
      )
  }
}

test('every block of a page that is a module in TypeScript type-checks', () => {
  expect(modules.length).toBeGreaterThan(5)
  expect(errorsIn(modules)).toEqual([])
})

test('an error in a block is found, with its place', () => {
  const text = "import { createClient } from 'graphql-ws'\ncreateClient({ url: 7 })\n"
  const found = errorsIn([{ path: 'page.md', line: 10, language: 'ts', text }])
  expect(found[0]).toMatch(/^page\.md:11: error TS2322/)
})
