import { createSecureContext } from 'node:tls'
import { ConfigError } from '../config-error.ts'

/** URL parameters for the TLS options: https://www.rabbitmq.com/docs/uri-query-parameters */
const parameters = {
  brokerCert: 'certfile',
  brokerKey: 'keyfile',
  brokerCa: 'cacertfile',
  brokerServerName: 'server_name_indication',
} as const

const variables = {
  brokerCert: 'WARREN_BROKER_CERT',
  brokerKey: 'WARREN_BROKER_KEY',
  brokerCa: 'WARREN_BROKER_CA',
  brokerServerName: 'WARREN_BROKER_SERVER_NAME',
} as const

type Name = keyof typeof parameters
const names = Object.keys(parameters) as Name[]

type TlsConfig = { readonly brokerUrl: readonly string[] } & { readonly [Option in Name]: string | undefined }

/**
 * Adds the TLS options to the URLs. Throws `ConfigError` for options that do not belong together
 * and for files that TLS cannot use.
 */
export function brokerUrlsWithTls(config: TlsConfig, readFile: (path: string) => string): readonly string[] {
  const given = names.filter((name) => config[name] !== undefined)
  const [first] = given
  if (first === undefined) return config.brokerUrl
  if (!config.brokerUrl.every((url) => url.startsWith('amqps:'))) {
    throw new ConfigError([`${variables[first]}: requires amqps: in every URL of WARREN_BROKER_URL`])
  }
  if ((config.brokerCert === undefined) !== (config.brokerKey === undefined)) {
    const missing = config.brokerCert === undefined ? 'WARREN_BROKER_CERT' : 'WARREN_BROKER_KEY'
    throw new ConfigError([`${missing}: required, because a certificate and its key belong together`])
  }
  checkFiles(config, readFile)
  return config.brokerUrl.map((text) => {
    const url = new URL(text)
    for (const name of given) url.searchParams.set(parameters[name], config[name] ?? '')
    return url.href
  })
}

function checkFiles(config: TlsConfig, readFile: (path: string) => string): void {
  const contentOf = (name: Name): string | undefined => {
    const path = config[name]
    if (path === undefined) return undefined
    try {
      return readFile(path)
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
      throw new ConfigError([`${variables[name]}: expected a readable file, got "${path}" (${reason})`])
    }
  }
  const use = (name: Name, options: { cert?: string; key?: string; ca?: string }): void => {
    try {
      createSecureContext(options)
    } catch (error) {
      throw new ConfigError([
        `${variables[name]}: expected PEM that TLS can use, got "${config[name]}" (${(error as Error).message})`,
      ])
    }
  }
  const [cert, key, ca] = [contentOf('brokerCert'), contentOf('brokerKey'), contentOf('brokerCa')]
  if (cert !== undefined) use('brokerCert', { cert })
  if (cert !== undefined && key !== undefined) use('brokerKey', { cert, key })
  if (ca !== undefined) {
    if (!ca.includes('-----BEGIN CERTIFICATE-----')) {
      throw new ConfigError([`WARREN_BROKER_CA: expected certificates in PEM, got "${config.brokerCa}" without any`])
    }
    use('brokerCa', { ca })
  }
}
