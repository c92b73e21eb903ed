import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

const run = promisify(execFile)
const folder = newFolder()
const clone = join(folder, 'clone')
const path = join(folder, 'bin')
const { version: old } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

beforeAll(async () => {
  await run('git', ['clone', '--quiet', '--no-hardlinks', '--depth', '1', `file://${resolve('.')}`, clone])
  symlinkSync(resolve('node_modules'), join(clone, 'node_modules'))
  // Right after a release, nothing is unreleased.
  const changelog = readFileSync(join(clone, 'CHANGELOG.md'), 'utf8')
  if (!changelog.includes('\n## Unreleased\n')) {
    writeFileSync(join(clone, 'CHANGELOG.md'), changelog.replace('\n## ', '\n## Unreleased\n\nA change.\n\n## '))
    await run('git', ['commit', '--quiet', '--all', '--message', 'a change'], { cwd: clone, env })
  }
  // Not everyone who runs the tests has kubectl. The folders differ in the version only.
  mkdirSync(path)
  writeFileSync(join(path, 'kubectl'), `#!/bin/sh\ntail -n +2 "built/$(basename "$2").yaml" | sed 's/${old}/9.8.7/'\n`)
  chmodSync(join(path, 'kubectl'), 0o755)
})
afterAll(() => removeFolder(folder))

const identity = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@example.com' }
const env = {
  ...process.env,
  ...identity,
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.com',
  PATH: `${path}:${process.env['PATH']}`,
}
const git = async (...args: string[]) => (await run('git', args, { cwd: clone })).stdout.trim()
const release = (...args: string[]) =>
  run(process.execPath, ['--import', 'tsx', 'packages/release.ts', ...args], { cwd: clone, env }).then(
    ({ stdout }) => ({ status: 0, text: stdout }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ status: code, text: stderr }),
  )

test('a dry run changes nothing, and prints each step', async () => {
  const head = await git('rev-parse', 'HEAD')
  const { status, text } = await release('9.8.7', '--dry-run')
  expect({ status, text }).toMatchObject({ status: 0 })
  for (const step of [
    'would change packages/client/package.json',
    'would change CHANGELOG.md',
    'git tag --annotate v9.8.7',
  ])
    expect(text).toContain(step)
  expect([await git('status', '--porcelain'), await git('rev-parse', 'HEAD'), await git('tag', '--list')]).toEqual([
    '',
    head,
    '',
  ])
})

test('an old version and a changed tree are refused', async () => {
  expect(await release(old)).toEqual({
    status: 1,
    text: `release: version: expected a newer one than ${old}, got ${old}\n`,
  })
  writeFileSync(join(clone, 'new.txt'), '')
  expect((await release('9.8.7')).text).toContain('the tree has changes that are not committed:\n?? new.txt')
  await git('clean', '--quiet', '--force', 'new.txt')
})

test('a release has one version everywhere, a dated entry, a commit, a tag and a tarball of each package', async () => {
  // An entry, also right after a release.
  const changelog = join(clone, 'CHANGELOG.md')
  const text = readFileSync(changelog, 'utf8')
  if (!text.includes('\n## Unreleased\n')) {
    writeFileSync(changelog, text.replace('\n## ', '\n## Unreleased\n\n* A change.\n\n## '))
    await run('git', ['commit', '--all', '--quiet', '--message', 'changelog: an entry'], { cwd: clone, env })
  }
  expect(await release('9.8.7', '--date', '2030-01-02')).toMatchObject({ status: 0 })
  expect(await git('log', '-1', '--format=%s')).toBe('release: 9.8.7')
  expect(await git('describe', '--exact-match')).toBe('v9.8.7')
  expect(await git('status', '--porcelain', '--', ':!node_modules')).toBe('')
  expect(readFileSync(changelog, 'utf8')).toMatch(/\n## 9\.8\.7 \(2030-01-02\)\n/)
  expect(readdirSync(join(clone, 'release')).sort()).toEqual(
    ['warren-9.8.7', 'warren-client-9.8.7', 'warren-react-9.8.7', 'warren-testing-9.8.7']
      .map((name) => `${name}.tgz`)
      .sort(),
  )
  // What is left names the old version as one of the past.
  const left = await git(
    'grep',
    '--files-with-matches',
    '--fixed-strings',
    old,
    '--',
    'k8s',
    'Dockerfile',
    'packages',
  ).catch(() => '')
  expect(left).toBe('')
  const client = JSON.parse(readFileSync(join(clone, 'packages/react/package.json'), 'utf8')) as {
    dependencies: object
  }
  expect(client.dependencies).toEqual({ '@warren/client': '9.8.7' })
})
