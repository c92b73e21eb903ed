import type { Command } from 'commander'
import { flagOf } from '../../config/options/option.ts'
import { optionNames } from '../../config/options/options.ts'
import { program } from '../program.ts'

/** `docs/commands.md`. */
export function commandsManual(): string {
  const parts = [
    '# Commands',
    '<!-- Printed from src/cli by `npm run generate`; do not edit. -->',
    [
      '`npx warren …` works in a checkout after `npm ci` and in the image. Commands that connect to a gateway, its broker or its',
      'database use the options of the gateway, from the environment or as flags ([config.md](config.md)). `start`, `doctor` and',
      '`check-config` accept all of them. The exit status is 0 on success, 1 if something failed, and 2 if the command was wrong.',
    ].join('\n'),
    ...program().commands.flatMap((command) => chapters(command, ['warren'])),
  ]
  return `${parts.join('\n\n')}\n`
}

function chapters(command: Command, above: readonly string[]): string[] {
  const path = [...above, command.name()]
  if (command.commands.length > 0) return command.commands.flatMap((inner) => chapters(inner, path))
  const own = command.options.filter(({ long }) => !isGatewayOption(long))
  const shared = command.options.filter(({ long }) => isGatewayOption(long))
  const rows = [
    ...command.registeredArguments.map((one) => [
      one.required ? `<${one.name()}>` : `[${one.name()}]`,
      one.description,
    ]),
    ...own.map((one) => [one.flags, one.description]),
  ].map(([term = '', text = '']) => `| \`${term}\` | ${text.replaceAll('|', '\\|').replaceAll('<', '&lt;')} |`)
  return [
    [
      `## ${path.join(' ')}\n`,
      sentence(command.description()),
      ...(rows.length > 0 ? ['', '| argument, flag | |', '|---|---|', ...rows] : []),
      ...(shared.length > 0
        ? [`\nOptions of the gateway: ${shared.map(({ long }) => `\`${long}\``).join(', ')}.`]
        : []),
    ].join('\n'),
  ]
}

const gatewayFlags = new Set(optionNames.flatMap((name) => [flagOf(name), `${flagOf(name)}-file`]))

function isGatewayOption(flag: string | null | undefined): boolean {
  return gatewayFlags.has(flag ?? '')
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
