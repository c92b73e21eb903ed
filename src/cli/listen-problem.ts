import { ConfigError } from '../config/config-error.ts'
import { variableOf } from '../config/options/option.ts'
import type { Config } from '../config/options/options.ts'

const ports = ['port', 'tcpPort', 'tcpEchoPort', 'opsPort'] as const

/**
 * Describes an address that cannot be bound in terms of the configuration. Undefined for any other
 * error.
 */
export function listenProblem(error: Error, config: Config): Error | undefined {
  if (!isListenError(error)) return undefined
  const name = ports.find((name) => config[name] === error.port)
  const variable = variableOf(name ?? 'port')
  // A DNS error has no port.
  const ofOps = name === 'opsPort' || (name === undefined && error.hostname === config.opsHost)
  const host = ofOps ? 'opsHost' : 'host'
  switch (error.code) {
    case 'EADDRINUSE':
      return new Error(`${variable}: port ${error.port} of ${config[host]} is taken by another program`)
    case 'EACCES':
      return new Error(`${variable}: port ${error.port} is reserved for privileged programs; use one above 1023`)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError([`${variableOf(host)}: expected an address of this machine, got "${config[host]}"`])
    default:
      return undefined
  }
}

function isListenError(error: Error): error is Error & { code: string; port?: number; hostname?: string } {
  const { syscall } = error as NodeJS.ErrnoException
  // 'bind' if the primary of several workers listens for them.
  return syscall === 'listen' || syscall === 'bind' || syscall === 'getaddrinfo'
}
