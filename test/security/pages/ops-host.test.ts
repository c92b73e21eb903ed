import { networkInterfaces } from 'node:os'
import { expect, test } from '@jest/globals'
import { openReachable } from '../../support/gateway/gateway-in-process.ts'
import { startGateway } from '../../support/gateway/gateway-process.ts'
import { ask } from '../ask.ts'

/** An address of this machine that others could reach; undefined without a network. */
const outer = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address

test('the ops port stays on loopback if clients are served on all addresses', async () => {
  await using gateway = await startGateway({ env: { WARREN_HOST: '0.0.0.0' } })
  expect((await ask(`http://127.0.0.1:${gateway.opsPort}/metrics`)).status).toBe(200)
  await gateway.printed(/http:\/\/127\.0\.0\.1:\d+\/readyz/)
  if (outer === undefined) return
  expect((await ask(`http://${outer}:${gateway.port}/`)).status).toBe(200)
  await expect(ask(`http://${outer}:${gateway.opsPort}/livez`)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('WARREN_OPS_HOST opens it, and every response forbids frames', async () => {
  await using gateway = await openReachable({ WARREN_OPS_HOST: '0.0.0.0' })
  const paths = ['/livez', '/readyz', '/metrics', '/nothing']
  for (const path of paths) {
    const { status, headers } = await ask(`http://${outer ?? '127.0.0.1'}:${gateway.opsPort}${path}`)
    expect(status).toBe(path === '/nothing' ? 404 : 200)
    expect(headers['x-frame-options']).toBe('DENY')
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
  }
})
