import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { built, find } from '../../k8s/manifests.ts'

const documented =
  /^rabbitmqctl set_permissions -p \/ warren '(.*)' '(.*)' '(.*)'$/m.exec(
    readFileSync('docs/guides/operate.md', 'utf8'),
  ) ?? []
const [, configure, write, read] = documented

/** The permissions of the default user in a configuration file of RabbitMQ. */
function rightsIn(conf: string): Record<string, string> {
  const settings = [...conf.matchAll(/^(default_\S+) = (.*)$/gm)].map(([, name, value]) => [name, value])
  return Object.fromEntries(settings) as Record<string, string>
}

describe('the RabbitMQ user of the manifests has the least permissions', () => {
  // RabbitMQ confuses the rights to write and to read of its default user
  // (manifests-default-user.slow.test.ts), so that it gets both.
  test('in a cluster of the operator, to read what it writes and to write what it reads', () => {
    const both = '^(warren\\..+|wsmanager|towsmanager)$'
    expect([write, read]).toEqual(['^(warren\\..+|wsmanager)$', '^(warren\\..+|towsmanager|orders)$'])
    const [cluster] = built('rabbitmq')
    const { spec } = cluster as unknown as { spec: { rabbitmq: { additionalConfig: string } } }
    expect(rightsIn(spec.rabbitmq.additionalConfig)).toEqual({
      'default_permissions.configure': configure,
      'default_permissions.write': both,
      'default_permissions.read': both,
      'default_user_tags.administrator': 'false',
    })
  })

  const rights = { configure, write, read: read?.replace('|orders', '') }

  test('with the topology operator, and the default user keeps its rights', () => {
    const manifests = built('rabbitmq-topology') as unknown as { kind: string; spec: Record<string, unknown> }[]
    const ofKind = (kind: string) => manifests.find((one) => one.kind === kind)?.spec ?? {}
    expect(ofKind('Permission')).toMatchObject({ vhost: '/', permissions: rights, userReference: { name: 'warren' } })
    expect(ofKind('User')['tags']).toBeUndefined()
    const { additionalConfig: conf } = ofKind('RabbitmqCluster')['rabbitmq'] as { additionalConfig: string }
    expect(rightsIn(conf)).toEqual({})
    expect(conf).toContain('net_ticktime = 8')
  })

  test('in the definitions for a RabbitMQ without an operator', () => {
    const { users, permissions } = JSON.parse(readFileSync('k8s/rabbitmq-definitions/warren.json', 'utf8')) as {
      users: object[]
      permissions: object[]
    }
    expect(users).toEqual([expect.objectContaining({ name: 'warren', password_hash: '', tags: [] })])
    expect(permissions).toEqual([{ user: 'warren', vhost: '/', ...rights }])
  })

  test('on a laptop, in Kubernetes and with compose, where any exchange may become a source', () => {
    const file = 'k8s/overlays/development/rabbitmq.conf'
    const conf = readFileSync(file, 'utf8')
    expect(rightsIn(conf)).toEqual({
      'default_permissions.configure': configure,
      'default_permissions.write': '.*',
      'default_permissions.read': '.*',
      'default_user_tags.administrator': 'false',
      'default_user_tags.monitoring': 'true',
    })
    const at = '/etc/rabbitmq/conf.d/20-warren.conf'
    const compose = parse(readFileSync('compose.yaml', 'utf8')) as { services: { rabbitmq: { volumes: string[] } } }
    expect(compose.services.rabbitmq.volumes).toContain(`./${file}:${at}:ro`)
    const development = built('development')
    const { data } = find(development, 'ConfigMap', 'rabbitmq')
    expect(data).toEqual({ '20-warren.conf': conf })
    const pod = find(development, 'StatefulSet', 'rabbitmq').spec?.template.spec
    expect(pod?.containers[0]?.volumeMounts).toContainEqual(
      expect.objectContaining({ mountPath: at, subPath: '20-warren.conf', name: 'configuration' }),
    )
    expect(pod?.volumes).toContainEqual({ name: 'configuration', configMap: { name: 'rabbitmq' } })
  })
})
