/** A network namespace with its own address. Programs that start in it see no other network. */
export interface NetworkHost {
  readonly namespace: string
  readonly ip: string
}

const loopback = '127.0.0.1'

/** The command, changed to run on the host; unchanged without a host. */
export function onHost(host: NetworkHost | undefined, command: readonly [string, ...string[]]): [string, ...string[]] {
  return host === undefined ? [...command] : ['nsenter', `--net=/run/netns/${host.namespace}`, ...command]
}

/** The address that programs on the host listen on. */
export function addressOf(host: NetworkHost | undefined): string {
  return host?.ip ?? loopback
}
