import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { checkBroker } from '../../src/brokers/rabbitmq/doctor/check-broker.ts'
import { eventually } from '../support/eventually.ts'
import { runWarren } from '../support/gateway/gateway-process.ts'
import { freePort } from '../support/network/ports.ts'
import { spawnGuarded } from '../support/processes/guarded-process.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { privateRabbit, type RabbitNode } from '../support/rabbitmq/broker.ts'
import { repetitions } from '../support/repetitions.ts'

const names = Promise.resolve({
  namespace: 'warren',
  wsmanagerExchange: 'wsmanager',
  towsmanagerExchange: 'towsmanager',
  hooks: ['warren.presence', 'warren.offline'],
  sources: ['warren.events', 'orders'],
})

let node: RabbitNode
const folder = newFolder()
beforeAll(async () => {
  node = await privateRabbit('doctored')
})
afterAll(async () => {
  await node?.remove()
  removeFolder(folder)
})

/** The counts of queues and exchanges on the node. */
async function contents(): Promise<string> {
  return node.ctl('eval', '{rabbit_amqqueue:count(<<"/">>), length(rabbit_exchange:list(<<"/">>))}')
}

/**
 * A proxy before the node. It calls `onChunk` before it forwards a chunk from the node, with the
 * count over all connections.
 */
async function wayTo(port: number, onChunk: (count: number, client: Socket) => void) {
  let count = 0
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const side of [client, upstream]) side.on('error', () => undefined)
    client.pipe(upstream)
    upstream.on('data', (chunk: Buffer) => {
      count += 1
      onChunk(count, client)
      client.write(chunk)
    })
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `amqp://guest:guest@127.0.0.1:${(server.address() as AddressInfo).port}`,
    get count() {
      return count
    },
    close: () => server.close(),
  }
}

describe('warren doctor', () => {
  test('leaves nothing in RabbitMQ, at whichever step its connection ends', async () => {
    const before = await contents()
    const whole = await wayTo(node.port, () => undefined)
    const findings = await checkBroker([whole.url], names)
    // That check warns of RabbitMQ 3 in general.
    expect(findings.filter(({ check, status }) => check !== 'leader changes' && status !== 'ok')).toEqual([])
    whole.close()
    expect(whole.count).toBeGreaterThan(20)
    for (let at = 1; at < whole.count; at += Math.ceil(whole.count / repetitions(8, 25))) {
      const way = await wayTo(node.port, (count, client) => {
        if (count === at) client.resetAndDestroy()
      })
      await checkBroker([way.url], names)
      way.close()
    }
    await eventually('RabbitMQ to be unchanged', async () => (await contents()) === before)
  })

  test('leaves nothing in RabbitMQ when it is killed', async () => {
    const before = await contents()
    let kill = (): void => undefined
    const killed = new Promise<void>((resolve) => {
      kill = resolve
    })
    const way = await wayTo(node.port, (count) => {
      if (count === 40) kill()
    })
    const child = spawnGuarded(process.execPath, ['dist/program/main.js', 'doctor', '--broker-url', way.url], {
      env: { PATH: process.env['PATH'] ?? '', WARREN_DATA_DIR: join(folder, 'killed') },
      output: 'ignore',
    })
    const ended = once(child, 'exit')
    await killed
    child.kill('SIGKILL')
    expect(await ended).toEqual([null, 'SIGKILL'])
    way.close()
    await eventually('RabbitMQ to be unchanged', async () => (await contents()) === before)
  })

  test.each([
    ['memory', ['set_vm_memory_high_watermark', '0.00001'], ['set_vm_memory_high_watermark', '0.4']],
    ['disk', ['set_disk_free_limit', '1000000GB'], ['set_disk_free_limit', '50MB']],
  ])('ends in time under an alarm (%s), reports it, and leaves nothing behind', async (what, raise, lower) => {
    const before = await contents()
    const env = {
      WARREN_BROKER_URL: node.url(),
      WARREN_DATA_DIR: join(folder, what),
      WARREN_PORT: String(await freePort()),
      WARREN_OPS_PORT: 'off',
      WARREN_TCP_PORT: 'off',
    }
    await node.ctl(...raise)
    const began = performance.now()
    const { code, stdout } = await runWarren(['doctor', '--json'], env)
    expect(performance.now() - began).toBeLessThan(30_000)
    await node.ctl(...lower)
    const { findings } = JSON.parse(stdout) as { findings: { check: string }[] }
    expect(code).toBe(1)
    expect(findings.filter(({ check }) => check === 'publishing')).toEqual([
      {
        check: 'publishing',
        status: 'fail',
        text: `RabbitMQ does not accept publishes for now: it is low on ${what}`,
        advice: expect.stringContaining('alarms'),
      },
    ])
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'sources', status: 'warn', text: expect.stringContaining('"warren.events"') }),
    )
    await eventually('RabbitMQ to be unchanged', async () => (await contents()) === before)
  })

  test('ends in time if RabbitMQ falls silent in the middle', async () => {
    const way = await wayTo(node.port, (count, client) => {
      if (count >= 30) client.cork()
    })
    const findings = await checkBroker([way.url], names, { trialMs: 500 })
    expect(findings).toContainEqual({
      check: 'broker',
      status: 'fail',
      text: expect.stringContaining('does not answer within'),
    })
    way.close()
  })
})
