import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { IPrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule'
import type { IServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor'
import type { IDeployment, IStatefulSet } from 'kubernetes-models/apps/v1'
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import type { IIngress, INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1'
import type { IConfigMap, IService } from 'kubernetes-models/v1'
import { parseAllDocuments } from 'yaml'

/** A resource of Kubernetes, as its file has it. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> }
}

export const builds = [
  'development',
  'production',
  'production-adapter',
  'production-operators',
  'monitoring',
  'rabbitmq',
  'rabbitmq-topology',
] as const
export type Build = (typeof builds)[number]

/** What `kubectl kustomize` made of a folder, as `k8s/build.sh` has kept it. */
export function built(build: Build): Manifest[] {
  return parseManifests(readFileSync(`k8s/built/${build}.yaml`, 'utf8'))
}

interface Shapes {
  readonly ConfigMap: IConfigMap
  readonly Deployment: IDeployment
  readonly HorizontalPodAutoscaler: IHorizontalPodAutoscaler
  readonly Ingress: IIngress
  readonly NetworkPolicy: INetworkPolicy
  readonly PodDisruptionBudget: IPodDisruptionBudget
  readonly PrometheusRule: IPrometheusRule
  readonly Service: IService
  readonly ServiceMonitor: IServiceMonitor
  readonly StatefulSet: IStatefulSet
}

/**
 * The resource of a kind and name, in the shape that its kind has; `problemsOf` is what checks that
 * it has it.
 */
export function find<Kind extends keyof Shapes>(
  manifests: readonly Manifest[],
  kind: Kind,
  name: string,
): Shapes[Kind] {
  const found = manifests.filter((one) => one.kind === kind && one.metadata.name === name)
  if (found.length !== 1) throw new Error(`expected one ${kind} ${name}, got ${found.length}`)
  return found[0] as unknown as Shapes[Kind]
}

export function parseManifests(text: string): Manifest[] {
  // Kubernetes reads YAML 1.1, where 0440 is octal and `on` a boolean.
  return parseAllDocuments(text, { version: '1.1' })
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0]
      return document.toJS() as Manifest | null
    })
    .filter((manifest) => manifest !== null)
}

/** What to do where a build was not made of the files that are there now, or was changed since. */
export function staleness(build: Build): string | undefined {
  const [first = '', ...rest] = readFileSync(`k8s/built/${build}.yaml`, 'utf8').split('\n')
  const inputs = ['base', 'components', 'overlays', 'monitoring', 'rabbitmq', 'rabbitmq-topology']
    .flatMap((folder) => filesIn(folder))
    .sort()
    .map((path) => `${sha256(readFileSync(`k8s/${path}`))}  ${path}\n`)
    .join('')
  if (first.endsWith(` ${sha256(inputs + rest.join('\n'))}`)) return undefined
  return 'k8s has changed since k8s/built was made of it: npm run format, then bash k8s/build.sh'
}

function filesIn(folder: string): string[] {
  return readdirSync(`k8s/${folder}`, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesIn(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`],
  )
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
