import * as podMonitoring from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import { Ajv } from 'ajv'
import * as apps from 'kubernetes-models/apps/v1'
import * as autoscaling from 'kubernetes-models/autoscaling/v2'
import * as networking from 'kubernetes-models/networking.k8s.io/v1'
import * as policy from 'kubernetes-models/policy/v1'
import * as core from 'kubernetes-models/v1'
import type { Manifest } from './manifests.ts'

interface Model {
  readonly prototype: { validate(): void }
}

const groups: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  v1: core,
  'apps/v1': apps,
  'autoscaling/v2': autoscaling,
  'networking.k8s.io/v1': networking,
  'policy/v1': policy,
  'monitoring.coreos.com/v1': podMonitoring,
}

/**
 * The fields of a RabbitmqCluster that are used here, by the operator's CRD (rabbitmq.com/v1beta1),
 * and no others.
 */
const rabbitmqCluster = new Ajv().compile({
  type: 'object',
  required: ['metadata', 'spec'],
  additionalProperties: false,
  properties: {
    apiVersion: { const: 'rabbitmq.com/v1beta1' },
    kind: { const: 'RabbitmqCluster' },
    metadata: { type: 'object' },
    spec: {
      type: 'object',
      additionalProperties: false,
      properties: {
        replicas: { type: 'integer', minimum: 0 },
        image: { type: 'string' },
        persistence: {
          type: 'object',
          additionalProperties: false,
          properties: { storage: { type: 'string' }, storageClassName: { type: 'string' } },
        },
        resources: { type: 'object' },
        rabbitmq: {
          type: 'object',
          additionalProperties: false,
          properties: { additionalConfig: { type: 'string' }, additionalPlugins: { type: 'array' } },
        },
        affinity: { type: 'object' },
      },
    },
  },
})

/**
 * Returns why the API would reject a resource: fields that are wrong, missing or unknown.
 */
export function problemsOf(manifest: Manifest): string[] {
  if (manifest.kind === 'RabbitmqCluster') {
    return rabbitmqCluster(manifest)
      ? []
      : (rabbitmqCluster.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  }
  const model = groups[manifest.apiVersion]?.[manifest.kind] as Model | undefined
  if (model === undefined) return [`there is no ${manifest.kind} in ${manifest.apiVersion}`]
  const read = new Set<string>()
  try {
    model.prototype.validate.call(recording(manifest, '', read))
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
  return fieldsOf(manifest, '')
    .filter((path) => !read.has(path))
    .map((path) => `${path}: unknown field`)
}

/**
 * The validators are compiled from the API's schemas and ignore unknown fields, while `kubectl
 * apply` rejects them. They read every field that they know, so a field that was not read is
 * unknown.
 */
function recording(value: object, path: string, read: Set<string>): object {
  return new Proxy(value, {
    get(target, key) {
      const item: unknown = Reflect.get(target, key)
      if (typeof key !== 'string') return item
      read.add(`${path}/${key}`)
      return typeof item === 'object' && item !== null ? recording(item, `${path}/${key}`, read) : item
    },
  })
}

function fieldsOf(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) => [`${path}/${key}`, ...fieldsOf(item, `${path}/${key}`)])
}
