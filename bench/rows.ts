/** The requirements, as ratios of figures measured side by side. */
import type { ContestantName } from './contestant.ts'
import { median } from './median.ts'
import type { Measured } from './run.ts'

type Figure = (measured: Measured) => number

export interface Row {
  readonly text: string
  readonly scenario: string
  readonly figure: Figure
  /** The dividend's contestant; default: Warren over GraphQL. */
  readonly of?: ContestantName
  /** The divisor's contestant; Warren itself in another scenario if `overScenario` is set. */
  readonly over?: ContestantName
  readonly overScenario?: string
  readonly least: number
  readonly aim: number
  /** True if less is better: `least` is then the maximum. */
  readonly below?: boolean
  readonly unit?: string
}

const perCpu: Figure = ({ cpuMicros = Number.NaN }) => 1e6 / cpuMicros
const cpu: Figure = ({ cpuMicros = Number.NaN }) => cpuMicros
const user: Figure = ({ userMicros = Number.NaN }) => userMicros
const perSecond: Figure = ({ perSecond = Number.NaN }) => perSecond
const p99: Figure = ({ p99 = Number.NaN }) => p99
const added: Figure = ({ addedP50 = Number.NaN }) => addedP50
const addedP99: Figure = ({ addedP99 = Number.NaN }) => addedP99
const memory: Figure = ({ kibEach = Number.NaN }) => kibEach
const growth: Figure = ({ ratio = Number.NaN }) => ratio
const unheard: Figure = ({ missing = Number.NaN, misordered = Number.NaN, lost = Number.NaN }) =>
  missing + misordered + lost

export const rows: readonly Row[] = [
  {
    text: 'one channel × 1,000, saturated: deliveries a CPU-second ÷ Yoga',
    scenario: 'fan-out',
    figure: perCpu,
    over: 'yoga',
    least: 6.5,
    aim: 8,
  },
  { text: 'the same ÷ Mercurius', scenario: 'fan-out', figure: perCpu, over: 'mercurius', least: 4.5, aim: 6 },
  {
    text: 'the same ÷ bare ws, a string each',
    scenario: 'fan-out',
    figure: perCpu,
    over: 'ws-own',
    least: 1.25,
    aim: 1.4,
  },
  {
    text: 'the same, user-mode CPU a delivery ÷ bare ws',
    scenario: 'fan-out',
    figure: user,
    over: 'ws-own',
    least: 0.55,
    aim: 0.55,
    below: true,
  },
  { text: 'the same ÷ nchan', scenario: 'fan-out', figure: perCpu, over: 'nchan', least: 0.85, aim: 1 },
  {
    text: 'one typed field × 1,000: deliveries a CPU-second ÷ a channel with its cursor × 1,000',
    scenario: 'typed-fan-out',
    figure: perCpu,
    of: 'warren-typed',
    over: 'warren',
    least: 0.9,
    aim: 1,
  },
  {
    text: 'one typed field with 1,000 filters × 1 ÷ the field × 1,000',
    scenario: 'typed-fan-out',
    figure: cpu,
    of: 'warren-filters',
    over: 'warren-typed',
    least: 3,
    aim: 2,
    below: true,
  },
  {
    text: 'from RabbitMQ, one typed field, 1,000 arguments × 1: deliveries a CPU-second ÷ 1,000 channels with their cursors × 1',
    scenario: 'typed-each',
    figure: perCpu,
    of: 'warren-typed',
    over: 'warren',
    least: 0.75,
    aim: 0.9,
  },
  {
    text: '1,000 channels × 1: deliveries a CPU-second ÷ Yoga',
    scenario: 'each',
    figure: perCpu,
    over: 'yoga',
    least: 3.5,
    aim: 5,
  },
  { text: 'the same ÷ bare ws', scenario: 'each', figure: perCpu, over: 'ws-own', least: 0.75, aim: 1 },
  {
    text: '1,000 channels × 1, 2 KiB: deliveries a CPU-second ÷ bare ws',
    scenario: 'each-2k',
    figure: perCpu,
    over: 'ws-own',
    least: 0.7,
    aim: 0.9,
  },
  {
    text: 'from RabbitMQ, 1,000 channels × 1, 2 KiB ÷ amqplib + bare ws',
    scenario: 'rabbit-each-2k',
    figure: perCpu,
    over: 'ws-own',
    least: 0.9,
    aim: 1.1,
  },
  {
    text: 'a stream of which nobody takes anything: messages a CPU-second ÷ amqplib on the same stream',
    scenario: 'tail-none',
    figure: perCpu,
    over: 'ws-stream',
    least: 0.8,
    aim: 1,
  },
  {
    text: 'from RabbitMQ, 1,000 channels × 1 ÷ amqplib + bare ws',
    scenario: 'rabbit-each',
    figure: perCpu,
    over: 'ws-own',
    least: 0.85,
    aim: 1.1,
  },
  {
    text: 'the same ÷ Yoga with graphql-amqp-subscriptions',
    scenario: 'rabbit-each',
    figure: perCpu,
    over: 'yoga',
    least: 2.5,
    aim: 3,
  },
  {
    text: 'from RabbitMQ, 1,000 channels × 1: CPU a delivery ÷ the same with messages read by amqplib',
    scenario: 'reader',
    figure: cpu,
    over: 'warren-amqplib',
    least: 0.9,
    aim: 0.85,
    below: true,
  },
  {
    text: 'from RabbitMQ, 32 in flight, one channel × 1,000: deliveries a second ÷ bare ws',
    scenario: 'rabbit-32',
    figure: perSecond,
    over: 'ws-own',
    least: 10,
    aim: 20,
  },
  { text: 'the same ÷ nchan', scenario: 'rabbit-32', figure: perSecond, over: 'nchan', least: 5, aim: 10 },
  { text: 'the same ÷ Yoga', scenario: 'rabbit-32', figure: perSecond, over: 'yoga', least: 55, aim: 120 },
  {
    text: 'four events in one turn: deliveries a CPU-second ÷ bare ws',
    scenario: 'four',
    figure: perCpu,
    over: 'ws-own',
    least: 3.5,
    aim: 4,
  },
  {
    text: '500 messages a second: added to arrival from the broker, p50',
    scenario: 'latency',
    figure: added,
    least: 150,
    aim: 100,
    below: true,
    unit: 'µs',
  },
  {
    text: 'the same, p99 ÷ Yoga',
    scenario: 'latency',
    figure: addedP99,
    over: 'yoga',
    least: 0.5,
    aim: 0.2,
    below: true,
  },
  {
    text: 'from publication to the subscriber, p99 ÷ Yoga',
    scenario: 'latency',
    figure: p99,
    over: 'yoga',
    least: 0.4,
    aim: 0.2,
    below: true,
  },
  {
    text: 'memory an idle connection with one subscription, at 5,000 ÷ Yoga',
    scenario: 'idle',
    figure: memory,
    over: 'yoga',
    least: 0.8,
    aim: 0.4,
    below: true,
  },
  {
    text: 'memory after 100,000 connects ÷ before',
    scenario: 'churn',
    figure: growth,
    least: 1.05,
    aim: 1.02,
    below: true,
  },
  {
    text: 'connect, init, subscribe a second ÷ Yoga',
    scenario: 'connects',
    figure: perSecond,
    over: 'yoga',
    least: 1.4,
    aim: 2,
  },
  {
    text: 'cost a delivery at 10,000 subscribers ÷ at 1,000',
    scenario: 'fan-out-10k',
    figure: cpu,
    overScenario: 'fan-out',
    least: 1.1,
    aim: 1,
    below: true,
  },
  {
    text: 'SocketCluster, one channel × 1,000: CPU a delivery ÷ stock SocketCluster',
    scenario: 'socketcluster',
    figure: cpu,
    of: 'warren-socketcluster',
    over: 'socketcluster',
    least: 1,
    aim: 0.7,
    below: true,
  },
  {
    text: 'one stalled among 20 fast: what the others did not get',
    scenario: 'stalled',
    figure: unheard,
    least: 0,
    aim: 0,
    below: true,
    unit: 'messages',
  },
]

/** By scenario and contestant, one result for each round. */
export type Results = Readonly<Record<string, Partial<Record<ContestantName, readonly Measured[]>>>>

export interface Judged {
  readonly row: Row
  /** The median of the rounds' ratios; undefined if it was not measured. */
  readonly value: number | undefined
  readonly verdict: 'reached its aim' | 'held' | 'NOT held' | 'not measured'
}

export function judge(results: Results): readonly Judged[] {
  return rows.map((row) => {
    const value = valueOf(row, results)
    if (value === undefined) return { row, value, verdict: 'not measured' }
    const meets = (bound: number): boolean => (row.below ? value <= bound : value >= bound)
    return { row, value, verdict: meets(row.aim) ? 'reached its aim' : meets(row.least) ? 'held' : 'NOT held' }
  })
}

function valueOf(row: Row, results: Results): number | undefined {
  const { scenario, figure, of = 'warren', over, overScenario } = row
  const ours = results[scenario]?.[of] ?? []
  const theirs = overScenario === undefined ? over && results[scenario]?.[over] : results[overScenario]?.warren
  if (!theirs && (over ?? overScenario) !== undefined) return undefined
  const all = ours.map((one, round) => {
    const other = theirs?.[round]
    return theirs ? figure(one) / (other ? figure(other) : Number.NaN) : figure(one)
  })
  const ratios = all.filter((ratio) => !Number.isNaN(ratio))
  return ratios.length === 0 ? undefined : median(ratios)
}
