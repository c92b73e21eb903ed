import { Argument, Command } from 'commander'
import { type Shell, scripts } from './scripts.ts'
import { wordsOf } from './words.ts'

export function completionCommand(): Command {
  return new Command('completion')
    .description('prints a script that completes commands and flags in a shell')
    .addArgument(new Argument('<shell>', 'the shell: bash, zsh or fish').choices(Object.keys(scripts)))
    .action((shell: Shell, _options: unknown, command: Command) => {
      process.stdout.write(scripts[shell](wordsOf(command.parent ?? command)))
    })
}
