import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { blocksOf } from '../docs/documents.ts'
import { debianPackages, installMissing, locate } from '../support/processes/debian-package.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { built, find } from './manifests.ts'

const run = promisify(execFile)
const { groups = [] } = find(built('monitoring'), 'PrometheusRule', 'warren').spec ?? {}
const alerts = groups.flatMap(({ rules = [] }) => rules.map(({ alert = '' }) => alert))

/** Values by series, a minute apart, in promtool's notation: `1+0x40` is 41 times 1. */
type Series = Readonly<Record<string, string>>

const minutes = 40
const always = (value: number) => `${value}+0x${minutes}`
const growing = (perMinute: number) => `0+${perMinute}x${minutes}`
/** A counter that grows in the last ten minutes only. */
const lately = (perMinute: number) => `${always(0).replace(`x${minutes}`, 'x29')} 0+${perMinute}x11`

const ofPods = (metric: string, labels: string, values: string): Series =>
  Object.fromEntries(['a', 'b'].map((pod) => [series(metric, pod, labels), values]))
function series(metric: string, pod: string, labels = ''): string {
  return `${metric}{namespace="warren",pod="${pod}"${labels === '' ? '' : `,${labels}`}}`
}

/** Two replicas that deliver. */
const healthy: Series = {
  ...ofPods('warren_broker_up', '', always(1)),
  ...ofPods('warren_workers', '', always(1)),
  ...ofPods('warren_replicas', '', always(2)),
  ...ofPods('warren_workers_lost_total', '', always(0)),
  ...ofPods('warren_messages_received_total', 'source="s"', growing(600)),
  ...ofPods('warren_message_outcomes_total', 'outcome="delivered"', growing(590)),
  ...ofPods('warren_message_outcomes_total', 'outcome="unmatched"', growing(10)),
  ...ofPods('warren_message_outcomes_total', 'outcome="invalid"', always(0)),
  ...ofPods('warren_messages_quarantined_total', 'reason="broken-json"', always(0)),
  ...ofPods('warren_delivery_seconds_bucket', 'le="0.01"', growing(590)),
  ...ofPods('warren_delivery_seconds_bucket', 'le="2.5"', growing(590)),
  ...ofPods('warren_delivery_seconds_bucket', 'le="+Inf"', growing(590)),
  ...ofPods('nodejs_eventloop_lag_p99_seconds', '', always(0.02)),
  ...ofPods('warren_connections', 'transport="sse"', always(100)),
  ...ofPods('warren_sessions_started_total', 'transport="sse"', `100+1x${minutes}`),
  ...ofPods('warren_sessions_ended_total', 'transport="sse",reason="client"', growing(1)),
  ...ofPods('warren_sessions_ended_total', 'transport="sse",reason="lost"', always(0)),
  ...ofPods('warren_sessions_ended_total', 'transport="sse",reason="slow-consumer"', always(0)),
  ...ofPods('warren_events_matched_total', 'transport="sse"', `5+590x${minutes}`),
  ...ofPods('warren_deliveries_total', 'transport="sse"', growing(590)),
  ...ofPods('warren_events_dropped_total', 'transport="sse",reason="ended"', always(0)),
  ...ofPods('warren_events_pending', 'transport="sse"', always(5)),
  ...ofPods('warren_resumes_total', 'result="gap"', always(0)),
  ...ofPods('warren_refusals_total', 'code="LIMIT_EXCEEDED"', always(0)),
  ...ofPods('warren_outbox_bytes', '', always(1_000)),
  ...ofPods('warren_presence_publications_total', 'result="failed"', always(0)),
  ...ofPods('warren_presence_unpublished', '', always(0)),
  ...ofPods('warren_offline_notices_total', 'result="failed"', always(0)),
  ...ofPods('warren_offline_bounds_total', 'bound="dropped"', always(0)),
  ...ofPods('warren_state_lag', 'field="orders"', always(200)),
  ...ofPods('warren_state_full', 'field="orders"', always(0)),
  [series('warren_state_folding', 'a', 'field="orders"')]: always(1),
  [series('warren_state_folding', 'b', 'field="orders"')]: always(0),
  [series('warren_state_offset', 'a', 'field="orders"')]: growing(600),
  [series('warren_state_offset', 'b', 'field="orders"')]: always(0),
  ...ofPods('warren_state_missed_total', 'field="orders"', always(0)),
}

/** For each alert, what differs from the healthy replicas. Undefined: nothing is scraped at all. */
const cases: Record<string, Series | undefined> = {
  WarrenGone: undefined,
  WarrenBrokerDown: { [series('warren_broker_up', 'a')]: always(0) },
  WarrenReplicaSilent: { [series('warren_messages_received_total', 'a', 'source="s"')]: `0+600x10 6000+0x30` },
  WarrenSlowDelivery: ofPods('warren_delivery_seconds_bucket', 'le="0.01"', growing(500)),
  WarrenEventLoopBusy: { [series('nodejs_eventloop_lag_p99_seconds', 'b')]: always(0.4) },
  WarrenConnectionsNearLimit: {
    [series('warren_connections', 'a', 'transport="sse"')]: always(19_000),
    [series('warren_sessions_started_total', 'a', 'transport="sse"')]: `19000+1x${minutes}`,
  },
  WarrenGaps: { [series('warren_resumes_total', 'a', 'result="gap"')]: lately(1) },
  WarrenQuarantine: { [series('warren_messages_quarantined_total', 'a', 'reason="broken-json"')]: lately(1) },
  WarrenUnmatched: ofPods('warren_message_outcomes_total', 'outcome="unmatched"', growing(60)),
  WarrenEventsInvalid: { [series('warren_message_outcomes_total', 'a', 'outcome="invalid"')]: lately(1) },
  WarrenWorkersLost: { [series('warren_workers_lost_total', 'b')]: lately(1) },
  WarrenReplicasUnknown: { [series('warren_replicas', 'b')]: always(1) },
  WarrenPresenceNotPublished: {
    [series('warren_presence_publications_total', 'a', 'result="failed"')]: lately(1),
  },
  WarrenOfflineNoticesLost: { [series('warren_offline_bounds_total', 'a', 'bound="dropped"')]: lately(1) },
  WarrenStateLags: { [series('warren_state_lag', 'a', 'field="orders"')]: always(20_000) },
  WarrenStateNotFolded: { [series('warren_state_folding', 'a', 'field="orders"')]: always(0) },
  WarrenStateFull: { [series('warren_state_full', 'b', 'field="orders"')]: always(1) },
  WarrenStateMissed: { [series('warren_state_missed_total', 'a', 'field="orders"')]: lately(1) },
  WarrenSlowConsumers: {
    [series('warren_sessions_ended_total', 'a', 'transport="sse",reason="slow-consumer"')]: growing(60),
    [series('warren_sessions_started_total', 'a', 'transport="sse"')]: `100+61x${minutes}`,
  },
  WarrenConnectionsLost: {
    [series('warren_sessions_ended_total', 'a', 'transport="sse",reason="lost"')]: growing(600),
    [series('warren_sessions_started_total', 'a', 'transport="sse"')]: `100+601x${minutes}`,
  },
  WarrenRefusing: { [series('warren_refusals_total', 'a', 'code="LIMIT_EXCEEDED"')]: growing(120) },
  WarrenOutboxes: { [series('warren_outbox_bytes', 'a')]: always(300_000_000) },
  WarrenEventsUnaccounted: { [series('warren_deliveries_total', 'a', 'transport="sse"')]: growing(589) },
  WarrenSessionsUnaccounted: { [series('warren_connections', 'a', 'transport="sse"')]: always(99) },
}

/** Other states in which an alert fires alone. */
const otherCases: readonly (readonly [alert: string, what: string, changes: Series])[] = [
  [
    'WarrenStateNotFolded',
    'the replica with the lease of a state does not move',
    { [series('warren_state_offset', 'a', 'field="orders"')]: always(7) },
  ],
  [
    'WarrenStateFull',
    'a state is full, so that no replica folds it',
    {
      [series('warren_state_full', 'a', 'field="orders"')]: always(1),
      [series('warren_state_folding', 'a', 'field="orders"')]: always(0),
    },
  ],
]

/** States in which no alert fires. */
const quiet: Record<string, Series> = {
  'two replicas deliver': healthy,
  'another replica takes over the fold of a state after three minutes': {
    ...healthy,
    [series('warren_state_folding', 'a', 'field="orders"')]: '1+0x30 0+0x9',
    [series('warren_state_offset', 'a', 'field="orders"')]: '0+600x30 0+0x9',
    [series('warren_state_lag', 'a', 'field="orders"')]: '200+0x30 0+0x9',
    [series('warren_state_folding', 'b', 'field="orders"')]: '0+0x33 1+0x6',
    [series('warren_state_offset', 'b', 'field="orders"')]: '0+0x33 18000+600x6',
  },
  'a state has nothing to fold while others get messages': {
    ...healthy,
    ...ofPods('warren_state_lag', 'field="orders"', always(0)),
    [series('warren_state_offset', 'a', 'field="orders"')]: always(7),
  },
  'changes of presence wait for two minutes': {
    ...healthy,
    ...ofPods('warren_presence_unpublished', '', '0+0x37 3+0x2'),
  },
  'one of two replicas has started, and the other does not know it yet': {
    ...healthy,
    ...ofPods('warren_replicas', '', `2+0x37 1+0x2`),
  },
  'each replica has three workers': {
    ...healthy,
    ...ofPods('warren_workers', '', always(3)),
    ...ofPods('warren_replicas', '', always(6)),
  },
  'another deployment in the namespace has one replica, and no messages': {
    ...healthy,
    ...Object.fromEntries(
      Object.entries({ warren_broker_up: 1, warren_workers: 1, warren_replicas: 1 }).map(([metric, value]) => [
        series(metric, 'c', 'app_kubernetes_io_instance="other"'),
        always(value),
      ]),
    ),
  },
}

/** A state, and the alerts that fire at its end. */
interface Case {
  readonly name: string
  readonly given: Series
  readonly firing: readonly string[]
}

const alone: readonly Case[] = [
  ...Object.entries(cases).map(([alert, change]) => ({
    name: `${alert} fires alone in its case`,
    given: change === undefined ? {} : { ...healthy, ...change },
    firing: [alert],
  })),
  ...otherCases.map(([alert, what, change]) => ({
    name: `${alert} fires alone where ${what}`,
    given: { ...healthy, ...change },
    firing: [alert],
  })),
]
const none: readonly Case[] = Object.entries(quiet).map(([what, given]) => ({
  name: `none fires while ${what}`,
  given,
  firing: [],
}))

const folder = newFolder()
const fileOf = ({ name }: Case) => join(folder, `${name.replaceAll(/\W/g, '-')}.json`)
let promtool: string
/** What promtool printed about the file of each case. */
const reports = new Map<string, string>()
/** The reasons of all failures. */
let failures = ''

beforeAll(async () => {
  await installMissing([debianPackages.promtool])
  promtool = locate(debianPackages.promtool)
  writeFileSync(join(folder, 'rules.json'), JSON.stringify({ groups }))
  const all = [...alone, ...none]
  for (const one of all) writeFileSync(fileOf(one), JSON.stringify(testsOf(one)))
  // One process for all cases, because its start takes longer than a case.
  const { stdout, stderr } = await run(promtool, ['test', 'rules', ...all.map(fileOf)]).catch(
    (failed: unknown) => failed as { stdout: string; stderr: string },
  )
  failures = stderr
  for (const report of stdout.split(/^Unit Testing: +/m)) {
    const [file = '', ...lines] = report.split('\n')
    reports.set(file, lines.join('\n').trim())
  }
})
afterAll(() => removeFolder(folder))

/** promtool's test that exactly these alerts fire at the end. */
function testsOf({ given, firing }: Case): object {
  const firingOf = (alert: string) => `count(ALERTS{alertstate="firing",alertname="${alert}"}) or vector(0)`
  const tests = [
    {
      interval: '1m',
      input_series: Object.entries(given).map(([one, values]) => ({ series: one, values })),
      promql_expr_test: alerts.map((alert) => ({
        expr: `clamp_max(${firingOf(alert)}, 1)`,
        eval_time: `${minutes}m`,
        exp_samples: [{ labels: '{}', value: firing.includes(alert) ? 1 : 0 }],
      })),
    },
  ]
  return { rule_files: ['rules.json'], evaluation_interval: '1m', tests }
}

test('Prometheus accepts the rules', async () => {
  const { stdout } = await run(promtool, ['check', 'rules', join(folder, 'rules.json')])
  expect(stdout).toContain(`SUCCESS: ${alerts.length} rules found`)
})

test('the commands of the guide make a file of the rules for a Prometheus without the operator', async () => {
  const path = 'docs/guides/monitor.md'
  const [commands] = blocksOf({ path, text: readFileSync(path, 'utf8') }).filter(({ text }) =>
    text.includes('promtool'),
  )
  const script = (commands?.text ?? '').replaceAll('warren-rules.yml', join(folder, 'warren-rules.yml'))
  const { stdout } = await run('sh', ['-ec', script.replace('promtool', promtool)])
  expect(stdout).toContain(`SUCCESS: ${alerts.length} rules found`)
})

test('each alert has a case', () => {
  expect(Object.keys(cases).toSorted()).toEqual(alerts.toSorted())
})

test.each([...alone, ...none])('$name', (one) => {
  expect({ report: reports.get(fileOf(one)), failures }).toMatchObject({ report: 'SUCCESS' })
})
