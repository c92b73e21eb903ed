import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { validate } from 'dockerfile-utils'
import { variableOf } from '../../src/config/options/option.ts'
import { options } from '../../src/config/options/options.ts'
import { checks } from '../docs/names.ts'
import { startGateway } from '../support/gateway/gateway-process.ts'
import { dockerfile, healthCheck, instructions, argumentsOf as of } from './dockerfile.ts'
import { builds } from './manifests.ts'

describe('the Dockerfile', () => {
  test('passes the linter', () => {
    expect(validate(dockerfile)).toEqual([])
    for (const [right, wrong] of [
      ['HEALTHCHECK --interval', 'HEALTHCHECK --every'],
      ['COPY bin', 'COPPY bin'],
      ['EXPOSE 4000', 'EXPOSE http'],
    ] as const) {
      expect(validate(dockerfile.replace(right, wrong))).not.toEqual([])
    }
  })

  test('takes its base as an argument: one exact build of a supported Node.js that the package allows', () => {
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } }
    const [, line = ''] = /^BASE=node:(\d+)\.\d+\.\d+-bookworm-slim@sha256:[0-9a-f]{64}$/.exec(of('ARG')[0] ?? '') ?? []
    // 20 ended in April 2026; odd lines are never kept for long.
    expect([22, 24]).toContain(Number(line))
    expect(Number(line)).toBeGreaterThanOrEqual(Number(engines.node.replace('>=', '')))
    // The build runs on the builder's platform, and the image has no step that would need an emulator.
    expect(of('FROM')).toEqual(['--platform=${BUILDPLATFORM} ${BASE} AS build', '${BASE}'])
    expect(
      instructions.slice(instructions.lastIndexOf('FROM ${BASE}')).filter((line) => line.startsWith('RUN')),
    ).toEqual([])
  })

  test('labels the image with the version of the package, and contains an SBOM', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    expect(of('ARG')).toContain(`VERSION=${version}`)
    const labels = new Map(
      [...(of('LABEL')[0] ?? '').matchAll(/org\.opencontainers\.image\.(\w+)="([^"]*)"/g)].map(([, name, value]) => [
        name,
        value,
      ]),
    )
    expect(Object.fromEntries(labels)).toMatchObject({
      version: '${VERSION}',
      revision: '${REVISION}',
      created: '${CREATED}',
    })
    expect(of('RUN').join('\n')).toContain('npm sbom --sbom-format=cyclonedx')
  })

  test('pins every third-party image to one exact build', () => {
    const used = ['compose.yaml', ...builds.map((build) => `k8s/built/${build}.yaml`)]
      .flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/^\s*image: (\S+)$/gm)])
      .map(([, image = '']) => image)
    const foreign = used.filter((image) => !/^(registry\.example\.com\/)?warren(:|$)/.test(image))
    expect(new Set(foreign.map((image) => image.split(':')[0]))).toEqual(
      new Set(['rabbitmq', 'postgres', 'prom/prometheus', 'grafana/grafana']),
    )
    expect(foreign.filter((image) => !/^[\w/]+:v?\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}$/.test(image))).toEqual([])
    // One build of each, wherever it is used.
    expect(new Set(foreign).size).toBe(4)
  })

  test('copies files that exist and that .dockerignore allows', () => {
    const letThrough = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1))
    const copied = of('COPY')
      .filter((line) => !line.startsWith('--from'))
      .flatMap((line) => line.split(' ').slice(0, -1))
    expect(copied.filter((path) => !existsSync(path))).toEqual([])
    expect(letThrough.sort()).toEqual([...new Set(copied)].sort())
  })

  test('runs as a numeric user other than 0, exposes the ports that clients use, and sets existing options', () => {
    expect(of('USER')).toEqual(['1000:1000'])
    expect(of('EXPOSE')).toEqual([`${options.port.default} ${options.tcpPort.default}`])
    expect(checks.variables({ path: 'Dockerfile', text: dockerfile })).toEqual([])
    expect(dockerfile).toContain(`${variableOf('dataDir')}=/data`)
    for (const name of ['host', 'opsHost'] as const) expect(dockerfile).toContain(`${variableOf(name)}=0.0.0.0`)
    expect(of('VOLUME')).toEqual(['/data'])
    // Inside of quotes it would be npm's, and signals would not reach the gateway.
    expect(JSON.parse(of('CMD')[0] ?? '')).toEqual(['node', 'node_modules/warren/bin/warren.js', 'start'])
  })

  test('has a health check that fails if the gateway does not run', async () => {
    const [, program = '', ...args] = healthCheck()
    const status = (opsPort: number) =>
      promisify(execFile)(process.execPath, [program, ...args], {
        env: { PATH: process.env['PATH'], [variableOf('opsPort')]: String(opsPort) },
      }).then(
        () => 0,
        ({ code }: { code: number }) => code,
      )
    const gateway = await startGateway()
    try {
      expect(await status(gateway.opsPort)).toBe(0)
      await gateway.stop()
      expect(await status(gateway.opsPort)).toBe(1)
    } finally {
      await gateway[Symbol.asyncDispose]()
    }
  })
})
