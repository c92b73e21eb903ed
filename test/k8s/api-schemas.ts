import * as podMonitoring from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import * as apps from 'kubernetes-models/apps/v1'
import * as autoscaling from 'kubernetes-models/autoscaling/v2'
import * as networking from 'kubernetes-models/networking.k8s.io/v1'
import * as policy from 'kubernetes-models/policy/v1'
import * as core from 'kubernetes-models/v1'
import { problemsOfCustom } from './custom-resources.ts'
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
 * Returns why the API would reject a resource: fields that are wrong, missing or unknown.
 */
export function problemsOf(manifest: Manifest): string[] {
  const custom = problemsOfCustom(manifest)
  if (custom !== undefined) return custom
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
