import type { App } from '../app/open.ts'
import type { Config } from '../config/options/options.ts'
import { version } from '../config/version.ts'

export type Running = Pick<App, 'endpoints' | 'operatorToken' | 'notes'>

/**
 * The text on start: the endpoints, and an operator token if the secret was generated. One JSON
 * line if the log format is JSON. `tour`: what a demo shows.
 */
export function welcome(
  { endpoints, operatorToken, notes }: Running,
  config: Config,
  tour?: readonly string[],
): string {
  if (config.logFormat === 'json') {
    const line = {
      level: 'info',
      time: new Date().toISOString(),
      msg: 'listening',
      version,
      endpoints,
      operatorToken,
      notes: [...notes, ...(tour ?? [])],
    }
    return `${JSON.stringify(line)}\n`
  }
  const width = Math.max(...endpoints.map(({ name }) => name.length))
  const parts = [
    `Warren ${version} listens.`,
    endpoints.map(({ name, url }) => `  ${name.padEnd(width)}  ${url}`).join('\n'),
    ...(notes.length > 0 ? [notes.map((note) => `  ${note}`).join('\n')] : []),
  ]
  if (operatorToken !== undefined) {
    parts.push(`The secret was generated in ${config.dataDir}. An operator token to paste:`, `  ${operatorToken}`)
    const page = endpoints.find(({ name }) => name === 'console')
    // A fragment never leaves the browser, so no log or proxy sees the token.
    if (page) parts.push(`Open the console, signed in:`, `  ${page.url}#token=${operatorToken}`)
    const graphql = endpoints.find(({ url }) => /^http.*\/graphql$/.test(url))
    if (graphql && config.graphiql) {
      parts.push(
        `Open GraphiQL at ${graphql.url} and paste this into its Headers tab:`,
        `  {"Authorization": "Bearer ${operatorToken}"}`,
      )
    }
  }
  if (tour) parts.push(tour.join('\n'))
  return `\n${parts.join('\n\n')}\n\n`
}
