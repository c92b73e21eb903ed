import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { wordsOf } from '../../../src/cli/completion/words.ts'
import { program } from '../../../src/cli/program.ts'
import { flagOf } from '../../../src/config/options/option.ts'
import { optionNames } from '../../../src/config/options/options.ts'
import { runCommand } from '../../support/gateway/command-in-process.ts'

const words = wordsOf(program())
const wordsAt = (at: string) => (words.get(at) ?? []).map(({ word }) => word)

describe('warren completion', () => {
  test('knows every command and every option of the gateway', () => {
    expect(wordsAt('')).toEqual(expect.arrayContaining(program().commands.map((one) => one.name())))
    for (const at of ['start', 'doctor', 'check-config']) {
      expect(wordsAt(at)).toEqual(expect.arrayContaining(optionNames.map((name) => flagOf(name))))
    }
    expect(wordsAt('sources list')).toContain('--json')
  })

  test.each([
    [['schema', 'inf'], ['infer']],
    [['publish', '--cl'], ['--client']],
    [['start', '--port', '4000', '--drai'], ['--drain']],
    [['sources', 'list', '--js'], ['--json']],
    [['completion', '--he'], ['--help']],
    [['no-command', '--po'], []],
  ])('completes %j in bash to %j', async (given, expected) => {
    const { stdout: script } = await runCommand(['completion', 'bash'])
    const call = `COMP_WORDS=(warren "$@"); COMP_CWORD=$#; _warren; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout } = await promisify(execFile)('bash', ['-c', `${script}\n${call}`, 'bash', ...given])
    expect(stdout.split('\n').filter((line) => line !== '')).toEqual(expected)
  })

  test('refuses another shell, and names those that it knows', async () => {
    const { code, stderr } = await runCommand(['completion', 'tcsh'])
    expect(code).toBe(2)
    expect(stderr).toContain('bash, zsh, fish')
  })
})
