import type { Config, OptionName } from '../../config/options/options.ts'

/** The options that say where a gateway on this machine listens. */
export const addressOptions = ['host', 'port'] as const satisfies readonly OptionName[]

/** Where the gateway of this configuration answers GraphQL, seen from this machine. */
export function gatewayUrl({ host, port }: Pick<Config, 'host' | 'port'>): string {
  const near = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${near.includes(':') ? `[${near}]` : near}:${port}/graphql`
}
