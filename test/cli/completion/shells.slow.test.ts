import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { runCommand } from '../../support/gateway/command-in-process.ts'
import { debianPackages, installMissing, locate } from '../../support/processes/debian-package.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'

const run = promisify(execFile)
const folder = newFolder()
const scriptOf = (shell: string) => join(folder, shell)
const { zsh, fish } = debianPackages

beforeAll(async () => {
  await installMissing([zsh, fish])
  for (const shell of ['zsh', 'fish']) {
    writeFileSync(scriptOf(shell), (await runCommand(['completion', shell])).stdout)
  }
})
afterAll(() => removeFolder(folder))

const given: [string[], string][] = [
  [['schema', 'inf'], 'infer'],
  [['start', '--port', '4000', '--drai'], '--drain'],
  [['sources', 'list', '--js'], '--json'],
  [['completion', 'ba'], 'bash'],
]

test.each(given)('fish completes %j to %s', async (words, expected) => {
  const call = `source ${scriptOf('fish')}; complete -C "warren ${words.join(' ')}"`
  const { stdout } = await run(locate(fish), ['--no-config', '-c', call])
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[0]),
  ).toEqual([expected])
})

// zsh completes only while a person types, so the functions of its line editor are replaced.
test.each(given)('zsh offers %j → %s among the candidates, with their help', async (words, expected) => {
  const stubs = `compdef() { :; }; _describe() { print -rl -- "\${candidates[@]}"; }; source ${scriptOf('zsh')}`
  const call = `${stubs}; words=(warren "$@"); CURRENT=$#words; _warren`
  const { stdout } = await run(locate(zsh), ['--no-rcs', '-c', call, 'zsh', ...words])
  expect(stdout.split('\n').map((line) => line.split(':')[0])).toContain(expected)
  expect(stdout).toMatch(/^--help:prints the help$/m)
})
