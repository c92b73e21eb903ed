import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { Health } from '../../src/observability/health.ts'
import { createMetrics } from '../../src/observability/metrics.ts'
import { type OpsListener, openOpsListener } from '../../src/observability/ops-listener.ts'

let health: Health
let listener: OpsListener

beforeEach(async () => {
  health = new Health()
  listener = await openOpsListener({
    host: '127.0.0.1',
    allowsHost: () => true,
    port: 0,
    health,
    metrics: createMetrics(),
  })
})
afterEach(() => listener.close())

async function readiness(): Promise<unknown> {
  const response = await fetch(`${listener.url}/readyz`)
  return { http: response.status, ...((await response.json()) as object) }
}

describe('the ops port', () => {
  test('is live from the start, and ready when every part is up and it does not drain', async () => {
    expect((await fetch(`${listener.url}/livez`)).status).toBe(200)
    expect(await readiness()).toEqual({
      http: 503,
      status: 'unavailable',
      reasons: ['broker: not reached yet', 'registry: not reached yet'],
    })

    health.report('registry', true)
    health.report('broker', false, 'the password is refused')
    expect(await readiness()).toMatchObject({ http: 503, reasons: ['broker: the password is refused'] })

    health.report('broker', true)
    expect(await readiness()).toEqual({ http: 200, status: 'ok', reasons: [] })

    health.drain('operator')
    expect(await readiness()).toMatchObject({ http: 503, reasons: [expect.stringMatching(/^drained: an operator/)] })
    health.undrain()
    expect(await readiness()).toMatchObject({ http: 200 })

    health.drain('shutdown')
    health.undrain()
    expect(await readiness()).toMatchObject({ http: 503, reasons: [expect.stringMatching(/^draining/)] })
    expect((await fetch(`${listener.url}/livez`)).status).toBe(200)
  })

  test('prints the metrics, and nothing else', async () => {
    const metrics = await fetch(`${listener.url}/metrics`)
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(await metrics.text()).toContain('warren_broker_up 0')
    expect((await fetch(`${listener.url}/graphql`)).status).toBe(404)
    expect((await fetch(`${listener.url}/metrics`, { method: 'POST' })).status).toBe(405)
  })

  test('rejects if the port is taken', async () => {
    const { port } = new URL(listener.url)
    const second = openOpsListener({
      host: '127.0.0.1',
      allowsHost: () => true,
      port: Number(port),
      health,
      metrics: createMetrics(),
    })
    await expect(second).rejects.toThrow(/EADDRINUSE/)
  })

  test('closes even if a scraper keeps its connection open', async () => {
    await (await fetch(`${listener.url}/metrics`)).text()
    await listener.close()
    await expect(fetch(`${listener.url}/livez`)).rejects.toThrow()
    listener = await openOpsListener({
      host: '127.0.0.1',
      allowsHost: () => true,
      port: 0,
      health,
      metrics: createMetrics(),
    })
  })
})
