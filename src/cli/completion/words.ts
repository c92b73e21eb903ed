import type { Command } from 'commander'
import { flagOf } from '../../config/options/option.ts'
import { optionNames, options } from '../../config/options/options.ts'

/** What may follow a command: a command inside it, a value that it accepts, or a flag. */
export interface Word {
  readonly word: string
  readonly help: string
}

/** By the names of the commands so far ("schema infer"; "" is `warren` itself), what may follow. */
export type Words = ReadonlyMap<string, readonly Word[]>

/** Commands that read every option of the gateway from their arguments, so commander has none. */
const takesEveryOption = new Set(['start', 'check-config', 'doctor'])

export function wordsOf(program: Command): Words {
  return new Map(below(program, ''))
}

function below(command: Command, at: string): [string, Word[]][] {
  const inner = command.commands.map((one): Word => ({ word: one.name(), help: one.description() }))
  const choices = command.registeredArguments.flatMap(({ argChoices = [], description }) =>
    argChoices.map((word): Word => ({ word, help: description })),
  )
  const own = command.options.flatMap(({ long, description }) => (long ? [{ word: long, help: description }] : []))
  const every = takesEveryOption.has(at) ? gatewayFlags : []
  const words = new Map([...inner, ...choices, ...own, ...every, helpFlag].map((word) => [word.word, word]))
  return [
    [at, [...words.values()].map(({ word, help }) => ({ word, help: firstSentence(help) }))],
    ...command.commands.flatMap((one) => below(one, `${at} ${one.name()}`.trim())),
  ]
}

const helpFlag: Word = { word: '--help', help: 'prints the help' }

const gatewayFlags: readonly Word[] = optionNames.flatMap((name) => {
  const { help, file } = options[name]
  return [{ word: flagOf(name), help }, ...(file ? [{ word: `${flagOf(name)}-file`, help }] : [])]
})

function firstSentence(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replace(/(?<=[^.])\. .*$|\.$/, '')
}
