import type { Command } from 'commander'
import { program } from '../program.ts'
import { isGatewayOption, manualPageOf } from './man-page.ts'

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
  ].map(([term = '', text = '']) => `| \`${term}\` | ${escaped(text.replaceAll('|', '\\|'))} |`)
  const { more, examples, failed, seeAlso } = manualPageOf(command)
  const links = seeAlso.map((page) => page.slice('docs/'.length)).map((page) => `[${page}](${page})`)
  return [
    [
      `## ${path.join(' ')}\n`,
      [sentence(command.description()), ...(more === undefined ? [] : [escaped(more)])].join(' '),
      ...(rows.length > 0 ? ['', '| argument, flag | |', '|---|---|', ...rows] : []),
      ...(shared.length > 0
        ? [`\nOptions of the gateway: ${shared.map(({ long }) => `\`${long}\``).join(', ')}.`]
        : []),
      '\n```sh',
      ...examples.map(([line, what]) => `${line}  # ${what}`),
      '```',
      ...(failed === undefined ? [] : [`\nExit status 1: ${failed}`]),
      `\nSee also: ${links.join(', ')}.`,
    ].join('\n'),
  ]
}

function escaped(text: string): string {
  return text.replaceAll('<', '&lt;')
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
