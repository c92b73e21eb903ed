import { readFileSync } from 'node:fs'

export const dockerfile = readFileSync('Dockerfile', 'utf8')

/** One a line. */
export const instructions = dockerfile
  .replace(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '')

/** The arguments of each instruction with this keyword. */
export const argumentsOf = (keyword: string) =>
  instructions.filter((line) => line.startsWith(`${keyword} `)).map((line) => line.slice(keyword.length + 1))

/** What the final image sets for every program. */
export const imageEnvironment: Readonly<Record<string, string>> = Object.fromEntries(
  argumentsOf('ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('=') as [string, string])),
)

/** The program and its arguments; it runs in the container. */
export function healthCheck(): string[] {
  const [check = ''] = argumentsOf('HEALTHCHECK')
  return JSON.parse(check.slice(check.indexOf('['))) as string[]
}
