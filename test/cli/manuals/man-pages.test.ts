import { existsSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { Command } from 'commander'
import { manualPageOf } from '../../../src/cli/manuals/man-page.ts'
import { manualPages } from '../../../src/cli/manuals/pages.ts'
import { program } from '../../../src/cli/program.ts'
import { flagOf } from '../../../src/config/options/option.ts'
import { optionNames } from '../../../src/config/options/options.ts'

const sections = [
  'NAME',
  'SYNOPSIS',
  'DESCRIPTION',
  'COMMANDS',
  'ARGUMENTS',
  'OPTIONS',
  'OPTIONS OF THE GATEWAY',
  'EXAMPLES',
  'EXIT STATUS',
  'ENVIRONMENT',
  'SEE ALSO',
]
const always = ['NAME', 'SYNOPSIS', 'OPTIONS', 'EXAMPLES', 'EXIT STATUS', 'SEE ALSO']

function below(command: Command, above: readonly string[] = []): [string, Command][] {
  return command.commands.flatMap((inner) => {
    const path = [...above, inner.name()]
    return [[path.join(' '), inner] as [string, Command], ...below(inner, path)]
  })
}
const warren = program()
const all: [string, Command][] = [['', warren], ...below(warren)]

/** The command that a line runs, and its flags. */
function parsed(line: string): { command: Command; flags: string[] } {
  const [, rest = ''] = /\bwarren ?([^>|)]*)/.exec(line) ?? []
  const words = rest.split(/\s+/)
  let command = warren
  for (const word of words) command = command.commands.find((inner) => inner.name() === word) ?? command
  return { command, flags: words.filter((word) => /^--?[a-z]/.test(word)) }
}

test('every command has a manual page, and every page a command', () => {
  expect(all.map(([name]) => name).toSorted()).toEqual(Object.keys(manualPages).toSorted())
})

describe.each(all)('warren %s --help', (name, command) => {
  const lines = command.helpInformation().split('\n')

  test('has the sections of a man page in their order', () => {
    const found = lines.filter((line) => /^[A-Z]/.test(line))
    expect(found).toEqual(sections.filter((section) => found.includes(section)))
    expect(found).toEqual(expect.arrayContaining(always))
    expect(lines[1]).toMatch(new RegExp(`^  warren ${name}`.trimEnd()))
  })

  test('fits a terminal, apart from commands and the options of start', () => {
    const prose = name === 'start' ? lines.slice(0, lines.indexOf('OPTIONS OF THE GATEWAY')) : lines
    expect(prose.filter((line) => line.length > 80 && !/^ {2}\$ |^ {2}-f, /.test(line))).toEqual([])
  })

  test('has examples with flags that exist, and names pages that exist', () => {
    const { examples, seeAlso } = manualPageOf(command)
    expect(examples.length).toBeGreaterThan(0)
    for (const [line] of examples) {
      const { command: run, flags } = parsed(line)
      if (name !== '') expect(run === command || run.parent === command).toBe(true)
      const taken = ['start', 'doctor', 'check-config'].includes(run.name()) ? optionNames.map(flagOf) : []
      const known = [...run.options.flatMap(({ long, short }) => [long, short]), ...taken]
      expect(known).toEqual(expect.arrayContaining(flags))
    }
    expect(seeAlso.filter((page) => !existsSync(page))).toEqual([])
  })
})
