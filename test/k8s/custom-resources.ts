import { Ajv } from 'ajv'
import type { Manifest } from './manifests.ts'

const text = { type: 'string' } as const
const integer = { type: 'integer', minimum: 0 } as const
const any = { type: 'object' } as const
const list = (items: object) => ({ type: 'array', items }) as const
const closed = (properties: Record<string, object>, required: string[] = []) => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
})
const duration = { type: 'string', pattern: '^([0-9]{1,5}(h|m|s|ms)){1,4}$' } as const
const nameOnly = closed({ name: text }, ['name'])

/**
 * By API version and kind, the fields of `spec` that are used here, by the CRD of each operator, and
 * no others.
 */
const specs: Readonly<Record<string, object>> = {
  'rabbitmq.com/v1beta1 RabbitmqCluster': closed({
    replicas: integer,
    image: text,
    persistence: closed({ storage: text, storageClassName: text }),
    resources: any,
    rabbitmq: closed({ additionalConfig: text, additionalPlugins: list(text) }),
    affinity: any,
  }),
  'rabbitmq.com/v1beta1 User': closed(
    {
      tags: list({ enum: ['management', 'policymaker', 'monitoring', 'administrator'] }),
      importCredentialsSecret: nameOnly,
      rabbitmqClusterReference: nameOnly,
    },
    ['rabbitmqClusterReference'],
  ),
  'rabbitmq.com/v1beta1 Permission': closed(
    {
      vhost: text,
      userReference: nameOnly,
      permissions: closed({ configure: text, write: text, read: text }),
      rabbitmqClusterReference: nameOnly,
    },
    ['vhost', 'permissions', 'rabbitmqClusterReference'],
  ),
  'gateway.networking.k8s.io/v1 HTTPRoute': closed({
    parentRefs: list(closed({ name: text, namespace: text, sectionName: text }, ['name'])),
    hostnames: list(text),
    rules: list(
      closed({
        matches: list(
          closed({ path: closed({ type: { enum: ['Exact', 'PathPrefix', 'RegularExpression'] }, value: text }) }),
        ),
        timeouts: closed({ request: duration, backendRequest: duration }),
        backendRefs: list(closed({ name: text, port: integer }, ['name'])),
      }),
    ),
  }),
  'keda.sh/v1alpha1 ScaledObject': closed(
    {
      scaleTargetRef: closed({ apiVersion: text, kind: text, name: text }, ['name']),
      minReplicaCount: integer,
      maxReplicaCount: integer,
      fallback: closed(
        {
          failureThreshold: integer,
          replicas: integer,
          behavior: { enum: ['static', 'currentReplicas', 'currentReplicasIfHigher', 'currentReplicasIfLower'] },
        },
        ['failureThreshold', 'replicas'],
      ),
      advanced: closed({ horizontalPodAutoscalerConfig: closed({ name: text, behavior: any }) }),
      triggers: list(
        closed(
          {
            type: { enum: ['prometheus', 'cpu'] },
            metricType: { enum: ['AverageValue', 'Value', 'Utilization'] },
            metadata: { type: 'object', additionalProperties: text },
          },
          ['type', 'metadata'],
        ),
      ),
    },
    ['scaleTargetRef', 'triggers'],
  ),
}

const ajv = new Ajv({ strict: true, allowUnionTypes: true })
const validators = new Map(
  Object.entries(specs).map(([key, spec]) => [
    key,
    ajv.compile(
      closed({ apiVersion: text, kind: text, metadata: any, spec }, ['apiVersion', 'kind', 'metadata', 'spec']),
    ),
  ]),
)

/** Why an operator's CRD would refuse a resource. Undefined: it is no custom resource from here. */
export function problemsOfCustom(manifest: Manifest): string[] | undefined {
  const validate = validators.get(`${manifest.apiVersion} ${manifest.kind}`)
  if (validate === undefined) return undefined
  validate(manifest)
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}
