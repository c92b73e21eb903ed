import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { IDeployment, IStatefulSet } from 'kubernetes-models/apps/v1'
import type { IContainer, ISecret, IService } from 'kubernetes-models/v1'
import { duration } from '../../src/config/kinds/amounts.ts'
import { loadWithOrigins } from '../../src/config/load/load.ts'
import { knownMetrics } from '../docs/names.ts'
import { problemsOf } from './api-schemas.ts'
import { type Build, builds, built, find, type Manifest, parseManifests, staleness } from './manifests.ts'

describe.each(builds)('k8s/built/%s.yaml', (build) => {
  test('is what k8s/build.sh builds from the sources', () => {
    expect(staleness(build)).toBeUndefined()
  })

  test("is valid by the API's schemas, field by field", () => {
    const manifests = built(build)
    expect(manifests.length).toBeGreaterThan(0)
    for (const manifest of manifests) {
      expect({ what: `${manifest.kind} ${manifest.metadata.name}`, problems: problemsOf(manifest) }).toEqual({
        what: `${manifest.kind} ${manifest.metadata.name}`,
        problems: [],
      })
    }
  })
})

describe('reports a mistake', () => {
  const mistakes: [string, string, string, string, string][] = [
    ['Deployment', 'a misspelt field', 'readOnlyRootFilesystem', 'readOnlyRootFileSystem', 'unknown field'],
    [
      'Deployment',
      'a field in the wrong place',
      'terminationGracePeriodSeconds',
      'gracePeriodSeconds',
      'unknown field',
    ],
    ['Deployment', 'a number that is text', 'periodSeconds: 10', 'periodSeconds: ten', 'must be'],
    ['Deployment', 'a required field that is missing', 'selector:', 'selectors:', 'selector'],
    ['HorizontalPodAutoscaler', 'a misspelt metric source', 'resource:', 'resources:', 'unknown field'],
    ['NetworkPolicy', 'a misspelt peer', 'namespaceSelector', 'nameSpaceSelector', 'unknown field'],
    ['Ingress', 'a backend as it was before v1', 'service:', 'serviceName:', 'unknown field'],
    ['PodDisruptionBudget', 'a kind of another version', 'policy/v1', 'policy/v1beta1', 'there is no'],
  ]
  test.each(mistakes)('%s: %s', (kind, _what, right, wrong, sentence) => {
    const text = readFileSync('k8s/built/production.yaml', 'utf8')
      .split(/^---$/m)
      .find((part) => new RegExp(`^kind: ${kind}$`, 'm').test(part))
    expect(text).toContain(right)
    const [manifest] = parseManifests((text ?? '').replace(right, wrong))
    expect(problemsOf(manifest as Manifest).join('\n')).toContain(sentence)
  })

  const customMistakes: [string, Build, string, string, string][] = [
    ['RabbitmqCluster', 'rabbitmq', 'storage:', 'storages:', 'additional properties'],
    ['User', 'rabbitmq-topology', 'importCredentialsSecret:', 'credentials:', 'additional properties'],
    ['Permission', 'rabbitmq-topology', 'vhost: /', 'virtualHost: /', 'vhost'],
    ['HTTPRoute', 'production-operators', 'request: 0s', 'request: none', 'must match pattern'],
    ['ScaledObject', 'production-operators', 'currentReplicasIfHigher', 'current', 'allowed values'],
  ]
  test.each(customMistakes)('%s', (kind, build, right, wrong, sentence) => {
    const text = readFileSync(`k8s/built/${build}.yaml`, 'utf8')
      .split(/^---$/m)
      .find((part) => new RegExp(`^kind: ${kind}$`, 'm').test(part))
    expect(text).toContain(right)
    const [manifest] = parseManifests((text ?? '').replace(right, wrong))
    expect(problemsOf(manifest as Manifest).join('\n')).toContain(sentence)
  })
})

/**
 * Probes and endpoints need some seconds after the last session has ended; less than this is no
 * margin.
 */
const marginSeconds = 15

describe.each(['development', 'production', 'production-operators'] as const)('the gateway in %s', (overlay) => {
  const manifests = built(overlay)
  const pod = podOf(find(manifests, 'Deployment', 'warren'))
  const container = containerOf(pod.spec.containers)
  const { config, read } = configOf(container)

  test('has existing options, and secrets from mounted files', () => {
    const mounted = (pod.spec.volumes ?? []).flatMap(({ name, projected }) => {
      const at = container.volumeMounts?.find((mount) => mount.name === name)?.mountPath
      return (projected?.sources ?? []).flatMap(({ secret }) => secret?.items?.map(({ path }) => `${at}/${path}`) ?? [])
    })
    expect(read.sort()).toEqual(mounted.sort())
    expect(config.host).toBe('0.0.0.0')
    expect((container.env ?? []).map(({ name }) => name)).not.toContain('WARREN_JWT_SECRET')
  })

  test('has time to drain before it is killed', () => {
    const { sleep } = container.lifecycle?.preStop ?? {}
    expect(pod.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(
      (sleep?.seconds ?? 0) + config.drainMs / 1_000 + marginSeconds,
    )
  })

  test('has probes on the ops port, and does not publish that port to clients', () => {
    const ports = new Map(container.ports?.map(({ name, containerPort }) => [name, containerPort]))
    expect(Object.fromEntries(ports)).toEqual({ http: config.port, tcp: config.tcpPort, ops: config.opsPort })
    for (const [probe, path] of [
      [container.startupProbe, '/livez'],
      [container.livenessProbe, '/livez'],
      [container.readinessProbe, '/readyz'],
    ] as const) {
      expect(probe?.httpGet).toEqual({ path, port: 'ops' })
    }
    const services = manifests.filter(({ kind }) => kind === 'Service') as unknown as IService[]
    // That of the ServiceMonitor has no address.
    for (const { spec } of services.filter((one) => one.spec?.clusterIP !== 'None')) {
      expect(spec?.ports?.map(({ targetPort }) => targetPort)).not.toContain('ops')
    }
    expect(find(manifests, 'Service', 'warren').spec?.ports?.map(({ port }) => port)).toEqual([4000, 4001])
  })

  test('runs as an unprivileged user that can write to its volumes only', () => {
    expect(pod.spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(pod.spec.automountServiceAccountToken).toBe(false)
    const written = container.volumeMounts?.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath)
    expect(written).toEqual([config.dataDir, '/tmp'])
    expect(container.resources?.limits).toHaveProperty('memory')
  })

  test('matches every selector that is meant for it', () => {
    const selectors = [
      find(manifests, 'Service', 'warren').spec?.selector,
      find(manifests, 'PodDisruptionBudget', 'warren').spec?.selector?.matchLabels,
      find(manifests, 'NetworkPolicy', 'warren').spec?.podSelector?.matchLabels,
      ...(pod.spec.topologySpreadConstraints ?? []).map(({ labelSelector }) => labelSelector?.matchLabels),
    ]
    for (const selector of selectors) expect(pod.metadata?.labels).toMatchObject(selector ?? { none: '' })
    expect(pod.spec.topologySpreadConstraints?.map(({ topologyKey }) => topologyKey)).toEqual([
      'topology.kubernetes.io/zone',
      'kubernetes.io/hostname',
    ])
  })

  test('allows only Prometheus to reach the ops port', () => {
    const policy = find(manifests, 'NetworkPolicy', 'warren')
    const [fromAnywhere, ...others] = policy.spec?.ingress ?? []
    expect(fromAnywhere).toEqual({ ports: [{ port: 'http' }, { port: 'tcp' }] })
    expect(others).toEqual([
      {
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
        ports: [{ port: 'ops' }],
      },
    ])
  })

  test('has the version of the package', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(container.image).toMatch(new RegExp(`(^|/)warren:${version}$`))
  })
})

describe('development', () => {
  const manifests = built('development')

  test('includes RabbitMQ and PostgreSQL, with the passwords of the gateway', () => {
    const { config } = configOf(containerOf(podOf(find(manifests, 'Deployment', 'warren')).spec.containers), manifests)
    const rabbitmq = find(manifests, 'StatefulSet', 'rabbitmq')
    const postgres = find(manifests, 'StatefulSet', 'postgres')
    expect(config.brokerUrl).toEqual([
      `amqp://${given(rabbitmq, 'RABBITMQ_DEFAULT_USER')}:${given(rabbitmq, 'RABBITMQ_DEFAULT_PASS')}@rabbitmq:5672/`,
    ])
    expect(config.databaseUrl).toBe(
      `postgres://${given(postgres, 'POSTGRES_USER')}:${given(postgres, 'POSTGRES_PASSWORD')}@postgres:5432/${given(postgres, 'POSTGRES_DB')}`,
    )
    for (const name of ['rabbitmq', 'postgres']) {
      const { spec } = find(manifests, 'Service', name)
      const { metadata, spec: inside } = podOf(find(manifests, 'StatefulSet', name))
      expect(metadata?.labels).toMatchObject(spec?.selector ?? {})
      const ports = inside.containers.flatMap(({ ports = [] }) => ports.map((port) => port.name))
      expect(spec?.ports?.map(({ targetPort }) => targetPort)).toEqual(ports)
    }
  })

  test('lets the gateway reach both', () => {
    const { spec } = find(manifests, 'NetworkPolicy', 'warren')
    const reached = (spec?.egress ?? []).flatMap(({ to = [] }) =>
      to.map(({ podSelector }) => podSelector?.matchLabels?.['app.kubernetes.io/component']),
    )
    for (const name of ['rabbitmq', 'postgres']) {
      const labels = podOf(find(manifests, 'StatefulSet', name)).metadata?.labels
      expect(reached).toContain(labels?.['app.kubernetes.io/component'])
    }
  })

  function given(workload: IStatefulSet, variable: string): string | undefined {
    const entry = containerOf(podOf(workload).spec.containers).env?.find(({ name }) => name === variable)
    const from = entry?.valueFrom?.secretKeyRef
    return from === undefined ? entry?.value : secretsIn(manifests).get(`${from.name}/${from.key}`)
  }
})

describe('production', () => {
  const manifests = built('production')
  const { config } = configOf(containerOf(podOf(find(manifests, 'Deployment', 'warren')).spec.containers))

  test('scales on a metric that every cluster has, because nothing is scaled down while one cannot be read', () => {
    const { spec } = find(manifests, 'HorizontalPodAutoscaler', 'warren')
    expect(spec?.scaleTargetRef).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'warren' })
    expect(spec?.metrics?.map(({ type }) => type)).toEqual(['Resource'])
    expect(find(manifests, 'Deployment', 'warren').spec?.replicas).toBeUndefined()
  })

  test('scales on connections on request, and leaves room for those of another replica', () => {
    const { spec } = find(built('production-adapter'), 'HorizontalPodAutoscaler', 'warren')
    const pods = spec?.metrics?.find(({ type }) => type === 'Pods')?.pods
    expect(knownMetrics.has(pods?.metric.name ?? '')).toBe(true)
    const [least, each] = [spec?.minReplicas ?? 0, Number(pods?.target.averageValue)]
    expect((least * each) / (least - 1)).toBeLessThanOrEqual(config.maxConnections)
  })

  test('keeps idle WebSockets open and does not buffer events', () => {
    const ingress = find(manifests, 'Ingress', 'warren')
    const set = (name: string) => ingress.metadata?.annotations?.[`nginx.org/${name}`]
    // A peer is pinged every 12 s.
    for (const name of ['proxy-read-timeout', 'proxy-send-timeout']) {
      expect(duration({ min: '0s', max: '24h' }).parse(set(name) ?? '0s')).toBeGreaterThan(60_000)
    }
    expect(set('proxy-buffering')).toBe('False')
    expect(Number.parseInt(set('client-max-body-size') ?? '', 10) * 1024 * 1024).toBeGreaterThan(config.maxMessageBytes)
    expect(set('proxy-next-upstream')).not.toContain('non_idempotent')
    expect(config.proxyHops).toBe(1)
    const backends = ingress.spec?.rules?.flatMap(({ http }) => http?.paths.map(({ backend }) => backend.service) ?? [])
    expect(backends).toEqual([{ name: 'warren', port: { name: 'http' } }])
    expect(set('websocket-services')).toBe('warren')
  })

  test('lets the gateway reach DNS, a collector of traces, and the keys of an identity provider', () => {
    const { spec } = find(manifests, 'NetworkPolicy', 'warren')
    const ports = (spec?.egress ?? []).flatMap(
      (rule) => rule.ports?.map(({ port, protocol }) => protocol ?? port) ?? [],
    )
    expect(ports).toEqual(expect.arrayContaining(['UDP', 'TCP', 4318, 443, 5672, 5671, 5432]))
  })
})

describe('production with operators', () => {
  const manifests = built('production-operators')
  const spec = (kind: string) =>
    (manifests.find((one) => one.kind === kind) as unknown as { spec: Record<string, never> } | undefined)?.spec

  test('has one way in and one autoscaler', () => {
    expect(manifests.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['HTTPRoute', 'ScaledObject']))
    expect([spec('Ingress'), spec('HorizontalPodAutoscaler')]).toEqual([undefined, undefined])
  })

  test('has a route without a time limit to the port of the Service', () => {
    const port = find(manifests, 'Service', 'warren').spec?.ports?.find(({ name }) => name === 'http')?.port
    expect(spec('HTTPRoute')).toMatchObject({
      rules: [{ timeouts: { request: '0s', backendRequest: '0s' }, backendRefs: [{ name: 'warren', port }] }],
    })
  })

  test('scales as the HorizontalPodAutoscaler does, and ends no replica while Prometheus does not answer', () => {
    const autoscaler = find(built('production-adapter'), 'HorizontalPodAutoscaler', 'warren').spec
    expect(spec('ScaledObject')).toMatchObject({
      scaleTargetRef: autoscaler?.scaleTargetRef,
      minReplicaCount: autoscaler?.minReplicas,
      maxReplicaCount: autoscaler?.maxReplicas,
      fallback: { behavior: 'currentReplicasIfHigher', replicas: autoscaler?.minReplicas },
      advanced: { horizontalPodAutoscalerConfig: { behavior: autoscaler?.behavior } },
      triggers: [
        {
          type: 'prometheus',
          metadata: {
            query: 'sum(warren_connections{namespace="warren"})',
            threshold: autoscaler?.metrics?.[0]?.pods?.target.averageValue,
            ignoreNullValues: 'false',
          },
        },
        { type: 'cpu', metadata: { value: String(autoscaler?.metrics?.[1]?.resource?.target.averageUtilization) } },
      ],
    })
  })

  test('has a ServiceMonitor that selects the Service with the ops port', () => {
    const monitor = find(manifests, 'ServiceMonitor', 'warren').spec
    const { metadata, spec: service } = find(manifests, 'Service', 'warren-metrics')
    expect(metadata?.labels).toEqual(monitor?.selector.matchLabels)
    expect(monitor?.endpoints?.map(({ port }) => port)).toEqual(service?.ports?.map(({ name }) => name))
    expect(podOf(find(manifests, 'Deployment', 'warren')).metadata?.labels).toMatchObject(service?.selector ?? {})
  })

  test('takes the address of RabbitMQ from the Secret of the user that the topology operator makes', () => {
    const [{ sources = [] } = {}] = (podOf(find(manifests, 'Deployment', 'warren')).spec.volumes ?? []).flatMap(
      ({ projected }) => projected ?? [],
    )
    const user = built('rabbitmq-topology').find(({ kind }) => kind === 'User')
    expect(user).toMatchObject({ spec: { importCredentialsSecret: { name: sources.at(-1)?.secret?.name } } })
  })
})

type Pod = NonNullable<NonNullable<IDeployment['spec']>['template']>

function podOf(workload: IDeployment | IStatefulSet): Pod & { spec: NonNullable<Pod['spec']> } {
  const template = workload.spec?.template
  if (template?.spec === undefined) throw new Error('a workload without a pod')
  return { ...template, spec: template.spec }
}

function containerOf(containers: readonly IContainer[]): IContainer {
  const [container] = containers
  if (container === undefined || containers.length > 1)
    throw new Error(`expected one container, got ${containers.length}`)
  return container
}

/** By secret and key. */
function secretsIn(manifests: readonly Manifest[]): Map<string, string> {
  const secrets = manifests.filter(({ kind }) => kind === 'Secret') as unknown as ISecret[]
  return new Map(
    secrets.flatMap(({ metadata, data = {} }) =>
      Object.entries(data).map(([key, value]) => [`${metadata?.name}/${key}`, Buffer.from(value, 'base64').toString()]),
    ),
  )
}

/** What the gateway makes of its environment there, and which files it reads for that. */
function configOf(container: IContainer, manifests: readonly Manifest[] = []) {
  const read: string[] = []
  const secrets = secretsIn(manifests)
  const inFiles = new Map([
    ['jwt-secret', secrets.get('warren/jwt-secret') ?? 'at least thirty-two bytes, which is enough'],
    ['database-url', secrets.get('warren/database-url') ?? 'postgres://warren:password@database/warren'],
    ['broker-url', secrets.get('rabbitmq-default-user/connection_string') ?? 'amqp://user:password@rabbitmq:5672/'],
  ])
  const { config } = loadWithOrigins({
    argv: [],
    env: Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value])),
    readFile(path) {
      read.push(path)
      return inFiles.get(path.split('/').at(-1) ?? '') ?? ''
    },
  })
  return { config, read }
}
