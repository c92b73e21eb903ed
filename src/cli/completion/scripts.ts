import type { Word, Words } from './words.ts'

/**
 * Each script walks the words before the cursor: `at` is the command that they name. Words that
 * name no command (flags and their values) leave it as it is.
 */
export const scripts = { bash, zsh, fish } as const satisfies Record<string, (words: Words) => string>

export type Shell = keyof typeof scripts

function bash(words: Words): string {
  return `# source <(warren completion bash)
_warren() {
  local current=\${COMP_WORDS[COMP_CWORD]} at= word candidates=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${at:+$at }$word" in
${commandsOf(words)}
    esac
  done
  case "$at" in
${cases(words, (found) => `candidates=${quoted(found.map(({ word }) => word).join(' '))}`)}
  esac
  COMPREPLY=($(compgen -W "$candidates" -- "$current"))
}
complete -o default -F _warren warren
`
}

function zsh(words: Words): string {
  return `#compdef warren
# source <(warren completion zsh)
_warren() {
  local at= word
  local -a candidates
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${at:+$at }$word" in
${commandsOf(words)}
    esac
  done
  case "$at" in
${cases(words, (found) => `candidates=(${found.map(({ word, help }) => quoted(`${word}:${help}`)).join(' ')})`)}
  esac
  _describe 'warren' candidates || _files
}
compdef _warren warren
`
}

function fish(words: Words): string {
  const lines = [...words].flatMap(([at, found]) =>
    found.map(({ word, help }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${word}`
      return `complete -c warren -n ${quoted(`test (__warren_at) = "${at}"`)} ${what} -d ${fishQuoted(help)}`
    }),
  )
  return `# warren completion fish | source
function __warren_at
  set -l at
  for word in (commandline -opc)[2..-1]
    switch (string trim "$at $word")
      case ${commandNames(words).map(quoted).join(' ')}
        set at (string trim "$at $word")
    end
  end
  echo "$at"
end
${lines.join('\n')}
`
}

const commandNames = (words: Words): string[] => [...words.keys()].filter((at) => at !== '')

function commandsOf(words: Words): string {
  return `      ${commandNames(words).map(quoted).join(' | ')}) at="\${at:+$at }$word" ;;`
}

function cases(words: Words, set: (found: readonly Word[]) => string): string {
  return [...words].map(([at, found]) => `    ${quoted(at)}) ${set(found)} ;;`).join('\n')
}

/** For bash and zsh, in which nothing is special between single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** In fish, a backslash is special between single quotes. */
function fishQuoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`
}
