import { execFile } from 'node:child_process'
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

const run = promisify(execFile)
let folder: string

/** A copy of this tree with what was built, because other tests are using that. */
beforeAll(async () => {
  folder = newFolder()
  const copied = ['src', 'packages', 'dist', 'build.ts', 'bundle.ts', 'package.json', 'package-lock.json']
  const configurations = ['tsconfig.json', 'tsconfig.build.json']
  await run('cp', ['-a', '--parents', ...copied, ...configurations, '.cache/build', folder])
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
})
afterAll(() => removeFolder(folder))

const inCopy = (path: string) => join(folder, path)

/** Builds in the copy. Resolves to the names of the steps that ran. */
async function build(...args: string[]): Promise<string[]> {
  const { stderr } = await run(process.execPath, ['--import', 'tsx', 'build.ts', ...args], { cwd: folder })
  return [...stderr.matchAll(/^building (.+)$/gm)].map(([, name = '']) => name)
}

test('builds nothing again without a change', async () => {
  await build()
  expect(await build()).toEqual([])
})

test('a changed source builds what contains it again, and nothing else', async () => {
  appendFileSync(inCopy('src/console/main.tsx'), '\n// A change.\n')
  expect(await build()).toEqual(['console'])
  appendFileSync(inCopy('src/errors.ts'), '\nexport const addedByTest = 1\n')
  expect(await build()).toEqual(['modules', 'program'])
  expect(readFileSync(inCopy('dist/errors.js'), 'utf8')).toContain('addedByTest = 1')
  appendFileSync(inCopy('src/client/resume.ts'), '\nexport const addedToClient = 1\n')
  expect(await build()).toEqual(['modules', 'program', 'console', 'packages'])
  expect(readFileSync(inCopy('packages/client/dist/resume.cjs'), 'utf8')).toContain('addedToClient = 1')
})

test('other packages, and another script of the build, build again', async () => {
  appendFileSync(inCopy('package-lock.json'), '\n')
  expect(await build('packages')).toEqual(['packages'])
  appendFileSync(inCopy('packages/build.ts'), '\n// A change.\n')
  expect(await build('packages')).toEqual(['packages'])
  expect(await build('packages')).toEqual([])
})

test.each([
  ['modules', 'dist/index.js', 'deleted'],
  ['program', 'dist/program/main.js', 'replaced'],
  ['packages', 'packages/client/dist/resume.cjs', 'deleted'],
])('%s: builds %s again if it was %s', async (step, output, change) => {
  const text = readFileSync(inCopy(output), 'utf8')
  if (change === 'deleted') rmSync(inCopy(output))
  else writeFileSync(inCopy(output), 'of another program')
  expect(await build(step)).toEqual([step])
  expect(readFileSync(inCopy(output), 'utf8')).toBe(text)
})

test('deletes what a source made that has gone, and nothing of the other steps', async () => {
  await build('program', 'console')
  const removed = 'client/of-yesterday'
  const outputs = ['js', 'js.map', 'd.ts'].map((extension) => inCopy(`dist/${removed}.${extension}`))
  writeFileSync(inCopy(`src/${removed}.ts`), 'export const ofYesterday = 1\n')
  expect(await build('modules', 'packages')).toEqual(['modules', 'packages'])
  expect(outputs.filter((path) => !existsSync(path))).toEqual([])
  rmSync(inCopy(`src/${removed}.ts`))
  expect(await build('modules', 'packages')).toEqual(['modules', 'packages'])
  expect(outputs.filter((path) => existsSync(path))).toEqual([])
  const packaged = readdirSync(inCopy('packages/client/dist'))
  expect(packaged).toContain('resume.js')
  expect(packaged.filter((name) => name.startsWith('of-yesterday'))).toEqual([])
  expect(await build()).toEqual([])
})

test('prints a mistake of types, and does not delete what was built', async () => {
  const source = inCopy('src/client/resume.ts')
  const text = readFileSync(source, 'utf8')
  writeFileSync(source, `${text}\nexport const wrong: number = 'text'\n`)
  const failed = await build('modules').catch(({ stderr }: { stderr: string }) => stderr)
  expect(failed).toContain('src/client/resume.ts')
  expect(failed).not.toContain('TSFILE')
  expect(existsSync(inCopy('dist/client/resume.js'))).toBe(true)
  writeFileSync(source, text)
  expect(await build('modules')).toEqual(['modules'])
})

test('a build that failed is not current, even if its change is undone', async () => {
  const script = inCopy('packages/build.ts')
  const text = readFileSync(script, 'utf8')
  writeFileSync(script, 'process.exit(3)\n')
  await expect(build('packages')).rejects.toMatchObject({ code: 3 })
  await expect(build('packages')).rejects.toMatchObject({ code: 3 })
  writeFileSync(script, text)
  expect(await build('packages')).toEqual(['packages'])
})

test('--force builds again, and an unknown step is an error that names the steps', async () => {
  expect(await build('packages')).toEqual([])
  expect(await build('packages', '--force')).toEqual(['packages'])
  await expect(build('page')).rejects.toThrow('expected modules, program, console, packages or --force; got "page"')
})

test('the console imports only from folders with which it is built again', () => {
  const sources = readdirSync('src/console', { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.(tsx?|css|html)$/.test(name) && name !== 'vite.config.ts',
  )
  const outside = sources.flatMap((name) =>
    [...readFileSync(join('src/console', name), 'utf8').matchAll(/['"(](\.\.?\/[^'"()\s]+)['")]/g)]
      .map(([, specifier = '']) => relative('.', resolve('src/console', dirname(name), specifier)))
      .filter((path) => existsSync(path) && !path.startsWith('src/console/')),
  )
  expect(outside.length).toBeGreaterThan(0)
  expect(outside.filter((path) => !path.startsWith('src/client/'))).toEqual([])
})
