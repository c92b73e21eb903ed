import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { callerOf, publish } from '../e2e/back-end/graphql-caller.ts'
import { eventually } from '../support/eventually.ts'
import { openReachable, type ReachableGateway } from '../support/gateway/gateway-in-process.ts'
import { testToken } from '../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { built, find } from './manifests.ts'
import { readQuery } from './promql.ts'

interface Panel {
  readonly title: string
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[]
}
interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] }
}

const dashboard = JSON.parse(readFileSync('k8s/monitoring/dashboard.json', 'utf8')) as Dashboard
const rules = find(built('monitoring'), 'PrometheusRule', 'warren').spec?.groups?.flatMap((group) => group.rules ?? [])

/** Prometheus adds them to every series. */
const targetLabels = new Set(['namespace', 'pod', 'job', 'instance', 'container'])
const monitor = parse(readFileSync('k8s/monitoring/pod-monitor.yaml', 'utf8')) as {
  spec: { podTargetLabels: readonly string[] }
}
/** Of the pod, in the spelling of Prometheus. */
const podLabels = new Set(monitor.spec.podTargetLabels.map((label) => label.replaceAll(/\W/g, '_')))

/** By metric and label, the values that a gateway prints. */
type Printed = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>

const schema = `
  type Order { id: ID!  total: Int! }
  type Subscription { orderChanged: Order @events(exchange: "orders", routingKey: "order.#") @state(key: "/id") }
  type Mutation { placeOrder(id: ID!): Published @publish(exchange: "orders", routingKey: "order.{id}") }
`

let gateway: ReachableGateway
let printed: Printed
const folder = newFolder()
beforeAll(async () => {
  const file = join(folder, 'events.graphql')
  writeFileSync(file, schema)
  gateway = await openReachable({ WARREN_SCHEMA: file })
  const call = callerOf(gateway.graphqlUrl, await testToken({ scope: 'operator' }))
  // The series of a source is there from its first message on.
  await call(publish, { input: { clientId: 'alice', data: {} } })
  printed = await eventually('a message to be counted', async () => {
    const series = read(await gateway.metrics())
    return series.get('warren_messages_received_total')?.has('source') ? series : undefined
  })
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  removeFolder(folder)
})

describe('the gateway prints the series of every query', () => {
  const queries = [
    ...(rules ?? []).map(({ alert, expr }): [string, string] => [`alert ${alert}`, String(expr)]),
    ...dashboard.panels.flatMap(({ title, targets }) =>
      targets.map(({ expr }): [string, string] => [`panel ${title}`, expr]),
    ),
  ]

  test.each(queries)('%s', (_where, query) => {
    expect(missing(query, printed)).toEqual([])
  })

  test('every metric of Warren has a panel, except those listed', () => {
    const shown = new Set(dashboard.panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => namesIn(expr))))
    const left = [...printed.keys()].filter((name) => name.startsWith('warren_') && !shown.has(name))
    expect(left.toSorted()).toEqual(withoutPanel)
  })

  test('a query for a missing series is reported', () => {
    for (const [query, sentence] of [
      ['sum(warren_conections)', 'warren_conections is not printed'],
      ['warren_connections{transprot="sse"}', 'warren_connections has no label transprot'],
      ['warren_resumes_total{result="gaps"}', 'warren_resumes_total has no result gaps'],
      ['warren_refusals_total{code=~"FORBIDDEN|UNKOWN"}', 'warren_refusals_total has no code UNKOWN'],
      ['sum by (reson) (warren_connections)', 'nothing in it has a label reson'],
    ]) {
      expect(missing(query ?? '', printed)).toEqual([sentence])
    }
    expect(() => readQuery('sum by (pod) (rate(warren_deliveries_total[5m])')).toThrow('no PromQL')
  })

  test('the list of namespaces', () => {
    const [, metric = '', label = ''] =
      dashboard.templating.list
        .find(({ name }) => name === 'namespace')
        ?.query.match(/^label_values\((\w+), (\w+)\)$/) ?? []
    expect(printed.has(metric)).toBe(true)
    expect(targetLabels.has(label)).toBe(true)
  })

  test('the adapter that feeds the autoscaler', () => {
    const adapter = parse(readFileSync('k8s/monitoring/prometheus-adapter.yaml', 'utf8')) as {
      rules: { custom: { seriesQuery: string; name: { as: string } }[] }
    }
    const [rule] = adapter.rules.custom
    const hpa = find(built('production-adapter'), 'HorizontalPodAutoscaler', 'warren')
    expect(missing(rule?.seriesQuery ?? '', printed)).toEqual([])
    expect(hpa.spec?.metrics?.[0]?.pods?.metric.name).toBe(rule?.name.as)
  })
})

describe('texts name labels that the result has', () => {
  test.each((rules ?? []).map((rule) => [rule.alert, rule] as const))('alert %s', (_name, { expr, annotations }) => {
    expect(Object.keys(annotations ?? {})).toEqual(['action', 'summary'])
    const named = Object.values(annotations ?? {}).flatMap((text) =>
      [...text.matchAll(/\{\{ \$labels\.(\w+) \}\}/g)].map(([, label = '']) => label),
    )
    const { aggregated } = readQuery(String(expr))
    for (const label of named) expect(aggregated.length === 0 ? [...targetLabels] : aggregated).toContain(label)
  })

  test('every legend of the dashboard', () => {
    for (const { title, targets } of dashboard.panels) {
      for (const { expr, legendFormat } of targets) {
        const { aggregated } = readQuery(expr)
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          expect({ title, labels: aggregated.length === 0 ? [...targetLabels] : aggregated }).toEqual({
            title,
            labels: expect.arrayContaining([label]),
          })
        }
      }
    }
  })
})

test('the ConfigMap has the dashboard', () => {
  const map = find(built('monitoring'), 'ConfigMap', 'warren-dashboard')
  expect(JSON.parse(map.data?.['warren.json'] ?? '')).toEqual(dashboard)
  expect(map.metadata?.labels).toMatchObject({ grafana_dashboard: '1' })
})

/** What has an alert or an account instead, or what a panel shows by another metric. */
const withoutPanel = [
  'warren_deliveries_failed_total',
  'warren_delivery_seconds_count',
  'warren_delivery_seconds_sum',
  'warren_event_matched_total',
  'warren_events_matched_total',
  'warren_events_passed_over_total',
  'warren_messages_not_stored_total',
  'warren_messages_redelivered_total',
  'warren_messages_routed_total',
  'warren_sessions_started_total',
  'warren_state_offset',
  'warren_unreadable_messages_total',
]

function namesIn(query: string): string[] {
  return readQuery(query).selectors.map(({ metric }) => metric)
}

function missing(query: string, known: Printed): string[] {
  const { selectors, grouping } = readQuery(query)
  const found = new Set(selectors.flatMap(({ metric }) => [...(known.get(metric)?.keys() ?? [])]))
  return [
    ...selectors.flatMap(({ metric, matchers }) => {
      const labels = known.get(metric)
      if (labels === undefined) return [`${metric} is not printed`]
      return matchers.flatMap(({ label, operator, value }) => {
        if (targetLabels.has(label)) return []
        const values = labels.get(label)
        if (values === undefined) return [`${metric} has no label ${label}`]
        return (operator.endsWith('~') ? value.split('|') : [value])
          .filter((one) => !values.has(one))
          .map((one) => `${metric} has no ${label} ${one}`)
      })
    }),
    ...grouping
      .filter((label) => !targetLabels.has(label) && !podLabels.has(label) && !found.has(label))
      .map((label) => `nothing in it has a label ${label}`),
  ]
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
function read(text: string): Printed {
  const series = new Map<string, Map<string, Set<string>>>()
  for (const [, metric = '', labels = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? /gm)) {
    const known = series.get(metric) ?? new Map<string, Set<string>>()
    series.set(metric, known)
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
      known.set(label, (known.get(label) ?? new Set()).add(value))
    }
  }
  return series
}
