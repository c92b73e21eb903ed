import { type Command, Option as Flag } from 'commander'
import { load } from '../config/load/load.ts'
import { processInputs } from '../config/load/process-inputs.ts'
import { flagOf, variableOf } from '../config/options/option.ts'
import { type Config, type OptionName, options } from '../config/options/options.ts'

/** Adds flags for the gateway options that the command needs. The environment is always read. */
export function takesConfig(command: Command, names: readonly OptionName[]): Command {
  for (const name of names) {
    const { help, file } = options[name]
    command.addOption(new Flag(`${flagOf(name)} <value>`, `${help} (${variableOf(name)})`))
    if (file)
      command.addOption(new Flag(`${flagOf(name)}-file <path>`, `the same, in a file (${variableOf(name)}_FILE)`))
  }
  return command
}

/**
 * The configuration of the gateway from the flags of this command and the environment. Throws
 * `ConfigError`.
 */
export function configOf(command: Command, names: readonly OptionName[]): Config {
  const flags = names.flatMap((name) => [flagOf(name), `${flagOf(name)}-file`])
  const argv = command.options.flatMap((option) => {
    const value: unknown = command.getOptionValue(option.attributeName())
    return option.long && flags.includes(option.long) && typeof value === 'string' ? [`${option.long}=${value}`] : []
  })
  return load(processInputs(argv))
}
