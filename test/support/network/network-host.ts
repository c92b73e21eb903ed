/**
 * A network namespace with an address of its own. Programs that start in it see no other network.
 */
export interface NetworkHost {
  readonly namespace: string
  readonly ip: string
}

const loopback = '127.0.0.1'

/** The command as it runs on the host; without a host on this machine's own network. */
export function onHost(host: NetworkHost | undefined, command: readonly [string, ...string[]]): [string, ...string[]] {
  return host === undefined ? [...command] : ['nsenter', `--net=/run/netns/${host.namespace}`, ...command]
}

/** Where programs on the host are reached, and listen. */
export function addressOf(host: NetworkHost | undefined): string {
  return host?.ip ?? loopback
}
