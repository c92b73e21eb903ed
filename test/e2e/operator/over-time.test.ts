import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { publish } from '../back-end/graphql-caller.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

let replicas: TwoReplicas
let begun: Date
beforeAll(async () => {
  replicas = await openTwoReplicas('over-time', { WARREN_HOT_WINDOW: '2s,1MiB' })
  begun = new Date()
  for (let n = 0; n < 30; n += 1) await replicas.onA(publish, { input: { clientId: 'rita', data: n } })
})
afterAll(async () => replicas[Symbol.asyncDispose]())

interface Bin {
  readonly from: string
  readonly count: number | null
  readonly exact: boolean
  readonly kept: boolean
}

const query = `query Histogram($from: DateTime, $to: DateTime, $bins: Int) {
  journalHistogram(from: $from, to: $to, bins: $bins) { firstOffset lastOffset bins { from count exact kept } }
}`

describe('the past of the deployment', () => {
  test('counts what RabbitMQ holds, also behind the memory of the replica', async () => {
    // Marks make the hot window move on.
    const bins = await eventually('messages behind the hot window', async () => {
      const variables = { from: new Date(begun.getTime() - 60_000), to: new Date(), bins: 40 }
      const { journalHistogram: page } = await replicas.observer<{ journalHistogram: { bins: Bin[] } }>(
        query,
        variables,
      )
      const then = page.bins.filter(({ from }) => new Date(from) < begun)
      return then.every(({ exact }) => !exact) && page.bins
    })
    const sum = bins.reduce((total, { count }) => total + (count ?? 0), 0)
    expect(sum).toBeGreaterThanOrEqual(30)
    expect(bins[0]).toMatchObject({ count: 0, kept: false })
  })

  test('has rates of all replicas', async () => {
    const history =
      '{ gatewayHistory { stepMs unanswered points { at receivedPerSecond deliveredPerSecond sessions replicas } } }'
    const points = await eventually('a point of both replicas', async () => {
      const { gatewayHistory } = await replicas.observer<{
        gatewayHistory: { points: { replicas: number; receivedPerSecond: number }[]; unanswered: string[] }
      }>(history)
      expect(gatewayHistory.unanswered).toEqual([])
      return gatewayHistory.points.some((point) => point.replicas === 2) && gatewayHistory.points
    })
    expect(points.some(({ receivedPerSecond }) => receivedPerSecond >= 0)).toBe(true)
  })

  test('is refused with the name of the argument that is wrong', async () => {
    await expect(replicas.observer(query, { bins: 1_000 })).rejects.toThrow('bins: expected 1 to 200, got 1000')
  })
})
