/**
 * True for a variable that Kubernetes sets for each Service of a namespace (`enableServiceLinks`,
 * on by default), which is no setting of Warren. A Service called warren adds
 * `WARREN_PORT=tcp://10.0.0.7:4000`, `WARREN_SERVICE_HOST`, `WARREN_PORT_4000_TCP_ADDR` and more.
 * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
export function isServiceLink(variable: string, value: string, env: Environment): boolean {
  if (env['KUBERNETES_SERVICE_HOST'] === undefined) return false
  return (
    /_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(variable) ||
    /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(variable) ||
    (variable.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))
  )
}

export type Environment = Readonly<Record<string, string | undefined>>
