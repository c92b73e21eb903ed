import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { problemsOf } from './api-schemas.ts'
import { findHelm } from './helm.ts'
import { type Build, built, find, type Manifest, parseManifests } from './manifests.ts'

const run = promisify(execFile)
const helm = await findHelm()
if (helm.path === undefined) process.stderr.write(`Tests of the Helm chart are skipped: ${helm.why}\n`)
const ifHelm = helm.path === undefined ? describe.skip : describe

/** What Helm renders of the chart with these files of k8s/chart/examples and other arguments. */
async function render(examples: readonly string[], ...args: string[]): Promise<Manifest[]> {
  return renderChart('warren', 'k8s/chart', examples, ...args)
}

async function renderChart(release: string, chart: string, examples: readonly string[], ...args: string[]) {
  const values = examples.flatMap((name) => ['--values', `k8s/chart/examples/${name}.yaml`])
  const all = ['template', release, chart, '--namespace', 'warren', ...values, ...args]
  const { stdout } = await run(helm.path ?? '', all, { maxBuffer: 16 * 1024 * 1024 })
  return parseManifests(stdout)
}

const set = (...values: string[]) => values.flatMap((value) => ['--set', value])

/** Helm's own labels, which kustomize does not set. Everything else is compared. */
const ofHelm = new Set([
  'helm.sh/chart',
  'app.kubernetes.io/instance',
  'app.kubernetes.io/managed-by',
  'app.kubernetes.io/version',
])

/**
 * A resource without what differs by tool alone: Helm's labels, the order of variables, and the
 * namespace where it is the release's own.
 */
function comparable(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => comparable(item))
    return key === 'env' ? items.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b))) : sourcesByFile(items, key)
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, item]) => !ofHelm.has(name) && !(name === 'namespace' && key === 'metadata' && item === 'warren'))
      .map(([name, item]) => [name, comparable(item, name)] as const)
      .filter(([name, item]) => !(name === 'labels' && JSON.stringify(item) === '{}')),
  )
}

/** One projected source for each file: kustomize has one for each Secret. */
function sourcesByFile(items: unknown[], key: string): unknown[] {
  if (key !== 'sources') return items
  return (items as { secret: { name: string; items: object[] } }[]).flatMap(({ secret: { name, items: files } }) =>
    files.map((file) => ({ name, ...file })),
  )
}

const nameOf = (item: unknown) => (item as { name: string }).name
const byName = (manifests: readonly Manifest[]) =>
  Object.fromEntries(
    manifests
      .filter(({ kind }) => kind !== 'Namespace')
      .map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, comparable(manifest)]),
  )

ifHelm('the Helm chart', () => {
  const examples: [string[], Build[]][] = [
    [['development'], ['development']],
    [['production'], ['production']],
    [['production', 'adapter'], ['production-adapter']],
    [['production', 'operators'], ['production-operators']],
    [
      ['production', 'monitoring'],
      ['production', 'monitoring'],
    ],
  ]
  test.each(examples)('with %j renders the same objects as kustomize does of %j', async (values, builds) => {
    expect(byName(await render(values))).toEqual(byName(builds.flatMap((build) => built(build))))
  })

  test('renders resources that the API accepts, with every part switched on', async () => {
    const everything = await render(
      ['production', 'operators', 'monitoring'],
      ...set(
        'ingress.enabled=true',
        'ingress.controller=haproxy',
        'service.type=LoadBalancer',
        'image.pullPolicy=Always',
      ),
    )
    const minimal = await render(
      [],
      ...set('replicas=2', 'podDisruptionBudget.enabled=false', 'networkPolicy.enabled=false'),
    )
    expect(minimal.map(({ kind }) => kind).toSorted()).toEqual(['Deployment', 'Service', 'ServiceAccount'])
    for (const manifest of [...everything, ...minimal]) {
      expect([manifest.kind, problemsOf(manifest)]).toEqual([manifest.kind, []])
    }
  })

  test('mounts the SDL of typed events, and rolls the replicas when it changes', async () => {
    const deployment = async (sdl: string) => {
      const manifests = await render([], ...set(`schema.orders\\.graphql=${sdl}`))
      expect(manifests.map(problemsOf).flat()).toEqual([])
      expect(manifests).toContainEqual(expect.objectContaining({ kind: 'ConfigMap', data: { 'orders.graphql': sdl } }))
      return JSON.stringify(find(manifests, 'Deployment', 'warren').spec)
    }
    const first = await deployment('type Order { id: ID! }')
    expect(first).toContain('{"name":"WARREN_SCHEMA","value":"/etc/warren/schema/*.graphql"}')
    expect(first).toContain('"mountPath":"/etc/warren/schema"')
    expect(await deployment('type Order { id: ID }')).not.toBe(first)
    expect(await deployment('type Order { id: ID! }')).toBe(first)
  })

  test('keeps two releases in one namespace apart', async () => {
    const [one, two] = await Promise.all(
      ['eu', 'us'].map((release) => renderChart(release, 'k8s/chart', ['operators', 'monitoring'])),
    )
    const names = [...(one ?? []), ...(two ?? [])].map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    expect(new Set(names).size).toBe(names.length)
    const selected = find(one ?? [], 'Service', 'eu-warren').spec?.selector
    expect(find(one ?? [], 'Deployment', 'eu-warren').spec?.template.metadata?.labels).toMatchObject(selected ?? {})
    expect(find(two ?? [], 'Deployment', 'us-warren').spec?.template.metadata?.labels).not.toMatchObject(selected ?? {})
  })

  test.each([
    ['a misspelt part', 'ingres.enabled=true', "additional properties 'ingres'"],
    ['a value of the wrong kind', 'drainSeconds=60s', '/drainSeconds'],
    ['an unknown autoscaler', 'autoscaling.by=vpa', "/autoscaling/by': value must be one of"],
    ['what is no option', 'options.WAREN_PORT=1', 'WAREN_PORT'],
    ['a second way to set the drain', 'options.WARREN_DRAIN=5s', 'options.WARREN_DRAIN: set drainSeconds'],
    ['a secret among the options', 'options.WARREN_JWT_SECRET=x', 'options.WARREN_JWT_SECRET: expected a Secret'],
    ['a development release with another name', 'development.enabled=true,fullnameOverride=x', 'the name warren'],
  ])('refuses %s, and names it', async (_what, value, sentence) => {
    const failed = await render([], ...set(value)).catch(({ stderr }: { stderr: string }) => stderr)
    expect(failed).toContain(sentence)
  })

  test('passes the linter, and packages with the files that it links to', async () => {
    const folder = newFolder()
    try {
      await run(helm.path ?? '', ['lint', '--strict', 'k8s/chart'])
      await run(helm.path ?? '', ['package', 'k8s/chart', '--destination', folder])
      const [archive = ''] = readdirSync(folder)
      const packaged = await renderChart('warren', join(folder, archive), ['development', 'monitoring'])
      expect(packaged).toEqual(await render(['development', 'monitoring']))
    } finally {
      removeFolder(folder)
    }
  })

  test('has the version of the package', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(parse(readFileSync('k8s/chart/Chart.yaml', 'utf8'))).toMatchObject({ version, appVersion: version })
  })
})
