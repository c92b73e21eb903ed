import type { Config, OptionName } from '../../config/options/options.ts'

/** The options with the address of a gateway on this machine. */
export const addressOptions = ['host', 'port'] as const satisfies readonly OptionName[]

/** The GraphQL endpoint of the gateway with this configuration, as reached from this machine. */
export function gatewayUrl({ host, port }: Pick<Config, 'host' | 'port'>): string {
  const near = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${near.includes(':') ? `[${near}]` : near}:${port}/graphql`
}
