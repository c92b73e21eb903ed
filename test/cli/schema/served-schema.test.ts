import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { buildSchema } from 'graphql'
import { plainConnection } from '../../brokers/rabbitmq/connections.ts'
import { runCommand } from '../../support/gateway/command-in-process.ts'
import { runWarren } from '../../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { testVhost } from '../../support/rabbitmq/broker.ts'

const folder = newFolder()
afterAll(() => removeFolder(folder))

function file(name: string, sdl: string): string {
  const path = join(folder, name)
  writeFileSync(path, sdl)
  return path
}

const good = file(
  'good.graphql',
  'type Subscription { order: Order @events(exchange: "orders") @allow }\ntype Order { id: ID!  at: DateTime }\n',
)
const broken = file(
  'broken.graphql',
  'type Subscription { order: Order @events(exchnge: "orders") }\ntype Order { id: ID! @from(body: "id") }\n',
)

describe('warren schema', () => {
  test('check prints every mistake with its place, and fails', async () => {
    const { code, stdout, stderr } = await runCommand(['schema', 'check', broken])
    expect(code).toBe(1)
    expect(stdout.split('\n').filter((line) => line.startsWith(`${broken}:`)).length).toBeGreaterThan(1)
    expect(stdout).toContain(`${broken}:1:`)
    expect(stdout).toContain(`${broken}:2:`)
    expect(stderr).toMatch(/\d mistakes/)
  })

  test('check accepts what is right, named by WARREN_SCHEMA too', async () => {
    expect(await runCommand(['schema', 'check', good])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 event field,'),
    })
    expect(await runCommand(['schema', 'check'], { WARREN_SCHEMA: join(folder, 'go*.graphql') })).toMatchObject({
      code: 0,
    })
  })

  test.each([
    ['no file', [join(folder, 'none.graphql')], 'no file is at'],
    ['no argument', [], 'expected files, folders or patterns'],
  ])('check reports %s', async (_what, args, text) => {
    const { code, stderr } = await runCommand(['schema', 'check', ...args])
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)])
  })

  test('check reads files in the built program, which finds them with a bundled package', async () => {
    const files = ['schema', 'check', 'examples/shop/events.graphql']
    expect(await runWarren(files)).toMatchObject({ code: 0, stderr: '' })
  })

  test('check --broker compares the types of exchanges', async () => {
    await using vhost = await testVhost('schema-check')
    await using connection = await plainConnection(vhost.url)
    const channel = await connection.createChannel()
    await channel.assertExchange('orders', 'fanout')
    const env = { WARREN_BROKER_URL: vhost.url }
    const other = await runCommand(['schema', 'check', '--broker', good], env)
    expect([other.code, other.stdout]).toEqual([1, expect.stringContaining('is of type fanout on RabbitMQ')])
    await channel.deleteExchange('orders')
    const missing = await runCommand(['schema', 'check', '--broker', good], env)
    expect([missing.code, missing.stdout]).toEqual([0, expect.stringContaining('the gateway will declare it')])
  })

  test('print writes the served schema, without directives', async () => {
    const { code, stdout } = await runCommand(['schema', 'print', good])
    expect(code).toBe(0)
    const schema = buildSchema(stdout)
    expect(Object.keys(schema.getSubscriptionType()?.getFields() ?? {})).toEqual(
      expect.arrayContaining(['channel', 'order']),
    )
    expect(stdout).not.toContain('@events')
    const alone = await runCommand(['schema', 'print', good], { WARREN_CORE: 'off' })
    expect(Object.keys(buildSchema(alone.stdout).getSubscriptionType()?.getFields() ?? {})).toEqual(['order'])
  })

  test('print --directives writes definitions that are accepted beside the files', async () => {
    const { stdout } = await runCommand(['schema', 'print', '--directives'])
    const definitions = file('definitions.graphql', stdout)
    expect(await runCommand(['schema', 'check', good, definitions])).toMatchObject({ code: 0 })
  })

  test('prints one JSON object with --json, with the same exit status', async () => {
    const json = async (...args: string[]) => {
      const { code, stdout } = await runCommand(['schema', ...args, '--json'])
      return [code, JSON.parse(stdout) as unknown]
    }
    expect(await json('check', good)).toEqual([
      0,
      { ok: true, mistakes: [], fields: { events: 1, publish: 0, request: 0 } },
    ])
    const column = 42
    expect(await json('check', broken)).toMatchObject([
      1,
      {
        ok: false,
        mistakes: expect.arrayContaining([
          expect.objectContaining({ file: broken, line: 1, column, severity: 'error' }),
        ]),
      },
    ])
    expect(await json('print', good)).toEqual([0, { sdl: expect.stringContaining('order(') }])
    expect(await json('print', '--directives')).toEqual([0, { sdl: expect.stringContaining('directive @events') }])
    expect(await json('import', file('order.json', '{"id": 7}'))).toEqual([
      0,
      { sdl: expect.stringContaining('id: ID!') },
    ])
    const less = file(
      'less.graphql',
      'type Subscription { order: Order @events(exchange: "orders") @allow }\ntype Order { id: ID! }\n',
    )
    expect(await json('diff', good, less)).toEqual([1, { ok: false, breakingChanges: ['Order.at was removed.'] }])
    expect(await json('diff', good, good)).toEqual([0, { ok: true, breakingChanges: [] }])
  })

  test('diff lists breaking changes only, and fails if there are any', async () => {
    const wider = file(
      'wider.graphql',
      'type Subscription { order(id: ID): Order @events(exchange: "orders") @allow }\ntype Order { id: ID!  at: DateTime  more: Int }\n',
    )
    expect(await runCommand(['schema', 'diff', good, wider])).toMatchObject({ code: 0, stdout: 'No breaking change\n' })
    expect(await runCommand(['schema', 'diff', wider, good])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('Order.more was removed'),
    })
  })
})
