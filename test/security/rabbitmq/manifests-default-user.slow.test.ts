import { expect, test } from '@jest/globals'
import { built } from '../../k8s/manifests.ts'
import { runWarren } from '../../support/gateway/gateway-process.ts'
import { freePort } from '../../support/network/ports.ts'
import { configuredNode } from '../../support/rabbitmq/configured-node.ts'
import { rabbitMq4 } from '../../support/rabbitmq/rabbitmq-4.ts'

const [cluster] = built('rabbitmq')
const { additionalConfig } = (cluster as unknown as { spec: { rabbitmq: { additionalConfig: string } } }).spec.rabbitmq

const four = await rabbitMq4()
const roots = [['of Debian 12', undefined] as const, ...(four.root === undefined ? [] : [['4', four.root] as const])]

// The tests of compose.yaml do this for the configuration of a laptop.
test.each(roots)('RabbitMQ %s gives the user of k8s/rabbitmq the rights that a gateway needs', async (_which, root) => {
  const user = ['default_user = made-by-the-operator', 'default_pass = secret']
  const node = await configuredNode([...user, additionalConfig], { root })
  try {
    const { code, stdout } = await runWarren(['doctor', '--json'], {
      WARREN_BROKER_URL: `amqp://made-by-the-operator:secret@127.0.0.1:${node.address.port}`,
      WARREN_PORT: String(await freePort()),
      WARREN_OPS_PORT: 'off',
      WARREN_TCP_PORT: 'off',
    })
    const { findings } = JSON.parse(stdout) as { findings: { check: string; status: string; text: string }[] }
    expect(findings.filter(({ check, status }) => check === 'permissions' || status === 'fail')).toEqual([
      expect.objectContaining({ status: 'ok', text: expect.stringContaining('has every right that a gateway needs') }),
    ])
    expect(code).toBe(0)
    expect(await node.ctl('list_users')).toBe('made-by-the-operator\t[]')
  } finally {
    await node.remove()
  }
})
