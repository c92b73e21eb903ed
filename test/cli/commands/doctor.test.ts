import { once } from 'node:events'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp from 'amqplib'
import { checkLeaderChanges } from '../../../src/brokers/rabbitmq/doctor/check-version.ts'
import { runCommand } from '../../support/gateway/command-in-process.ts'
import { openReachable } from '../../support/gateway/gateway-in-process.ts'
import { runWarren, testSecret } from '../../support/gateway/gateway-process.ts'
import { freePort } from '../../support/network/ports.ts'
import { Postgres } from '../../support/processes/postgres.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { rabbit, type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'

let vhost: TestVhost
let postgres: Postgres
const folder = newFolder()
const limited = 'limited-by-a-test'
beforeAll(async () => {
  ;[vhost, postgres] = await Promise.all([testVhost('doctor'), Postgres.start()])
  await rabbit.ctl('add_user', limited, 'a-password-of-a-test')
  await rabbit.ctl('set_permissions', '-p', vhost.name, limited, '^other', '^other', '.*')
})
afterAll(async () => {
  await rabbit.ctl('delete_user', limited)
  await postgres?.close()
  await vhost?.close()
  removeFolder(folder)
})

interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly text: string
  readonly advice?: string
}

async function examine(env: Readonly<Record<string, string>>) {
  const full = {
    WARREN_PORT: String(await freePort()),
    WARREN_OPS_PORT: String(await freePort()),
    WARREN_TCP_PORT: 'off',
    WARREN_DATA_DIR: join(folder, 'data'),
    WARREN_JWT_SECRET: testSecret,
    ...env,
  }
  const { code, stdout, stderr } = await runCommand(['doctor', '--json'], full)
  const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: readonly Finding[] }
  expect(ok).toBe(code === 0)
  return { code, stdout, stderr, of: (check: string) => findings.filter((finding) => finding.check === check) }
}

describe('warren doctor', () => {
  test('reports a healthy setup as such, leaves nothing behind, and exits with 0', async () => {
    const { code, of, stdout } = await examine({
      WARREN_BROKER_URL: vhost.url,
      WARREN_DATABASE_URL: await postgres.newDatabase(),
    })
    expect(code).toBe(0)
    expect(of('broker')).toEqual([{ check: 'broker', status: 'ok', text: expect.stringMatching(/^RabbitMQ \d+\.\d+/) }])
    for (const check of ['permissions', 'streams', 'journal', 'cluster', 'database', 'secret', 'clock']) {
      expect(of(check)).toEqual([expect.objectContaining({ status: 'ok' })])
    }
    expect(of('clock')[0]?.text).toMatch(/s (ahead of|behind) the database's/)
    expect(stdout).not.toContain(testSecret)
    const there = `<<"${vhost.name}">>`
    expect(await rabbit.ctl('eval', `rabbit_amqqueue:count(${there})`)).toBe('0')
    const exchanges = await rabbit.ctl('eval', `rabbit_exchange:info_all(${there}, [name])`)
    expect(exchanges).toContain('amq.topic')
    expect(exchanges).not.toMatch(/exchange,<<"[^"]*doctor/)
  })

  test('warns that RabbitMQ 3 loses confirmed messages of shared channels, and accepts RabbitMQ 4', async () => {
    const { of } = await examine({ WARREN_BROKER_URL: vhost.url })
    const version = /^RabbitMQ (\S+)/.exec(of('broker')[0]?.text ?? '')?.[1] ?? ''
    const found = of('leader changes')
    expect(found).toEqual(checkLeaderChanges([version]))
    expect(found[0]?.text).toContain(`RabbitMQ ${version} `)

    for (const affected of [['3.9.0'], ['3.13.7'], ['4.0.5', '3.12.1', '4.0.5']]) {
      expect(checkLeaderChanges(affected)).toEqual([
        {
          check: 'leader changes',
          status: 'warn',
          text: expect.stringMatching(/^in a cluster, RabbitMQ 3\.[0-9.]+ loses confirmed messages/),
          advice: expect.stringMatching(/4\.0 or later.*docs\/guides\/publishing\.md/),
        },
      ])
    }
    expect(checkLeaderChanges(['4.0.0', '4.2.1'])).toEqual([
      { check: 'leader changes', status: 'ok', text: expect.stringMatching(/^RabbitMQ 4\.0\.0, 4\.2\.1 keeps/) },
    ])
  })

  test('prints a line for each check, with the remedy below', async () => {
    const port = await freePort()
    const { code, stdout, stderr } = await runCommand(['doctor', '--broker-url', `amqp://127.0.0.1:${port}`], {
      WARREN_DATA_DIR: join(folder, 'data'),
      WARREN_PORT: String(await freePort()),
      WARREN_OPS_PORT: 'off',
      WARREN_TCP_PORT: 'off',
    })
    expect(code).toBe(1)
    expect(stdout).toMatch(
      new RegExp(
        `^FAIL  broker +RabbitMQ is not reachable at 127\\.0\\.0\\.1:${port}: nothing listens there\\n +→ check WARREN_BROKER_URL`,
      ),
    )
    expect(stderr).toMatch(/^1 of \d+ checks failed\n$/)
  })

  test('names missing permissions, and the command that grants them', async () => {
    const url = new URL(vhost.url)
    url.username = limited
    url.password = 'a-password-of-a-test'
    const { code, of, stdout } = await examine({ WARREN_BROKER_URL: url.href })
    expect(code).toBe(1)
    const [permissions] = of('permissions')
    expect(permissions).toMatchObject({ status: 'fail', text: expect.stringContaining(`"${limited}" lacks `) })
    expect(permissions?.advice).toContain(`rabbitmqctl set_permissions -p '${vhost.name}' '${limited}' '^(warren\\.`)
    expect(stdout).not.toContain('a-password-of-a-test')
  })

  test('reports a missing virtual host and a wrong password', async () => {
    const elsewhere = await examine({ WARREN_BROKER_URL: rabbit.url('nowhere') })
    expect(elsewhere.of('broker')[0]).toMatchObject({ status: 'fail', text: expect.stringContaining('"nowhere"') })
    const wrong = new URL(vhost.url)
    wrong.password = 'guess'
    const refused = await examine({ WARREN_BROKER_URL: wrong.href })
    expect(refused.of('broker')[0]).toMatchObject({
      status: 'fail',
      text: expect.stringContaining('wrong user or password'),
    })
  })

  test('reports a journal that is not a stream', async () => {
    const connection = await amqp.connect(vhost.url)
    const channel = await connection.createChannel()
    await channel.assertQueue('taken.journal', { durable: true })
    const { code, of } = await examine({ WARREN_BROKER_URL: vhost.url, WARREN_NAMESPACE: 'taken' })
    expect(code).toBe(1)
    expect(of('journal')[0]).toMatchObject({ status: 'fail', advice: expect.stringContaining('WARREN_NAMESPACE') })
    await channel.deleteQueue('taken.journal')
    await connection.close()
  })

  test('reports an unreachable database, an unwritable folder, and a secret that others may read', async () => {
    const port = await freePort()
    const away = await examine({ WARREN_DATABASE_URL: `postgres://warren:hidden@127.0.0.1:${port}/warren` })
    expect(away.of('database')[0]).toMatchObject({ status: 'fail', text: expect.stringContaining('ECONNREFUSED') })
    expect(away.stdout).not.toContain('hidden')

    const file = join(folder, 'a-file')
    await writeFile(file, '')
    const unwritable = await examine({ WARREN_DATA_DIR: join(file, 'data') })
    expect(unwritable.of('database')[0]?.status).toBe('fail')

    const data = join(folder, 'open')
    await mkdir(data)
    await writeFile(join(data, 'jwt-secret'), 'x'.repeat(40))
    await chmod(join(data, 'jwt-secret'), 0o644)
    const { stdout } = await runWarren(['doctor'], {
      WARREN_DATA_DIR: data,
      WARREN_PORT: String(await freePort()),
      WARREN_OPS_PORT: 'off',
      WARREN_TCP_PORT: 'off',
    })
    expect(stdout).toContain('which other users of this machine can read')
  })

  test('reports a port that another program uses, and recognises a running gateway', async () => {
    const other = createServer((_request, response) => response.end('somebody else')).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { code, of } = await examine({ WARREN_PORT: String(port) })
    expect(code).toBe(1)
    expect(of('ports')[0]).toMatchObject({ status: 'fail', text: expect.stringContaining(`port ${port}`) })
    other.close()

    await using gateway = await openReachable()
    const beside = await examine(gateway.env)
    expect(beside.code).toBe(0)
    expect(beside.of('ports')[0]?.text).toContain('a gateway that runs here')
  })

  test('refuses an invalid configuration as every command does', async () => {
    const { code, stderr } = await runCommand(['doctor', '--prot', '1'])
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('did you mean --port?') })
  })
})
