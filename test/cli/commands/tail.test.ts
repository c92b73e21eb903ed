import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { Inbox } from '../../support/frames/inbox.ts'
import { runCommand } from '../../support/gateway/command-in-process.ts'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { runWarren, testToken } from '../../support/gateway/gateway-process.ts'
import { type TcpProxy, tcpProxy } from '../../support/network/tcp-proxy.ts'
import { spawnGuarded } from '../../support/processes/guarded-process.ts'

let gateway: ReachableGateway
let proxy: TcpProxy
beforeAll(async () => {
  gateway = await openReachable()
  proxy = await tcpProxy(gateway.port)
  // The start position of a registered client is fixed before it subscribes, so the test misses no
  // message published from here on.
  for (const clientId of ['alice', 'bob']) await createClientChannel(clientId)
})
afterAll(async () => {
  await proxy?.close()
  await gateway?.[Symbol.asyncDispose]()
})

async function createClientChannel(clientId: string): Promise<void> {
  const query = `mutation ($input: CreateClientChannelInput!) { createClientChannel(input: $input) { token } }`
  const input = { clientId, name: clientId, email: `${clientId}@example.com`, password: 'a password of tests' }
  const response = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { input } }),
  })
  expect(await response.json()).toMatchObject({ data: { createClientChannel: {} } })
}

interface Event {
  readonly kind: string
  readonly cursor: string
  readonly data: unknown
  readonly [field: string]: unknown
}

const running = new Set<() => void>()
afterEach(() => {
  for (const kill of running) kill()
  running.clear()
})

/** `warren tail` as users run it; both outputs, line by line. */
function startTail(...args: string[]) {
  const env = { PATH: process.env['PATH'] ?? '', ...gateway.env }
  const child = spawnGuarded(process.execPath, ['dist/program/main.js', 'tail', ...args], { env, output: 'pipe' })
  const events = new Inbox<Event>('the events')
  const status = new Inbox<string>('standard error of tail')
  if (!child.stdout || !child.stderr) throw new Error('unreachable')
  createInterface(child.stdout).on('line', (line) => events.push(JSON.parse(line) as Event))
  createInterface(child.stderr).on('line', (line) => status.push(line))
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => ({ code, signal }))
  running.add(() => child.kill('SIGKILL'))
  return { events, status, ended, interrupt: () => child.kill('SIGINT') }
}

async function publish(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(['publish', ...args], gateway.env)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.trim()
}

describe('warren publish and warren tail', () => {
  test('deliver a message with its type, id and headers, and end after --count events', async () => {
    const tail = startTail('alice', '--count', '2')
    expect(await tail.status.next()).toMatch(/^Listening at ws:/)
    const args = ['--type', 'greeting', '--message-id', 'm-1', '--header', 'a=b=c', '--header', 'd=']
    expect(await publish('--client', 'alice', '{"hello":1}', ...args)).toBe('m-1')
    expect(await tail.events.next()).toMatchObject({
      kind: 'MESSAGE',
      clientId: 'alice',
      data: { hello: 1 },
      type: 'greeting',
      messageId: 'm-1',
      headers: { a: 'b=c', d: '' },
    })
    await publish('--exchange', 'warren.events', '--key', 'client.alice', '"by key"')
    expect(await tail.events.next()).toMatchObject({ data: 'by key', routingKey: 'client.alice' })
    expect(await tail.ended).toEqual({ code: 0, signal: null })
  })

  test('resume after the last event when the connection was lost', async () => {
    const tail = startTail('bob', '--url', `http://127.0.0.1:${proxy.port}/graphql`)
    await tail.status.next()
    await publish('--client', 'bob', '1')
    const first = await tail.events.next()
    expect(first).toMatchObject({ kind: 'MESSAGE', data: 1 })

    proxy.pause()
    await publish('--client', 'bob', '2')
    await publish('--client', 'bob', '3')
    proxy.cut()
    proxy.resume()
    expect(await tail.status.next()).toMatch(/trying again in \d+ ms$/)
    expect(await tail.status.next()).toContain(`behind cursor ${first.cursor}`)
    await publish('--client', 'bob', '4')
    for (const data of [2, 3, 4]) expect(await tail.events.next()).toMatchObject({ kind: 'MESSAGE', data })

    tail.interrupt()
    expect(await tail.ended).toEqual({ code: 0, signal: null })

    const later = startTail('bob', '--after', first.cursor, '--count', '1')
    expect(await later.events.next()).toMatchObject({ data: 2 })
    await later.ended

    const last = startTail('bob', '--last', '2', '--count', '2')
    expect([await last.events.next(), await last.events.next()]).toMatchObject([{ data: 3 }, { data: 4 }])
    await last.ended
    const both = startTail('bob', '--last', '2', '--after', first.cursor)
    expect(await both.status.next()).toContain('--last: expected --last or --after, got both')
  })

  test('are refused without permission, with the code and status 1', async () => {
    const token = await testToken({ sub: 'carol' })
    const refused = await runWarren(['publish', '--client', 'carol', '1', '--token', token], gateway.env)
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^FORBIDDEN: [^\n]+\n$/) })
    const tail = startTail('alice', '--token', token)
    expect(await tail.ended).toMatchObject({ code: 1 })
    const badToken = startTail('alice', '--token', 'x')
    expect(await badToken.ended).toMatchObject({ code: 1 })
  })

  test.each([
    [['publish', '1'], /^warren publish: expected either --client, or --exchange and --key\n$/],
    [['publish', '--client', 'a', '--exchange', 'b', '1'], /^warren publish: expected either/],
    [['publish', '--client', 'a', '{hello}'], /^body: expected JSON/],
    [['publish', '--client', 'a', '1', '--header', 'x'], /^--header: expected name=value, got "x"\n$/],
    [['tail', 'alice', '--count', '0'], /^--count: expected a whole number above 0, got "0"\n$/],
    [['tail', 'alice', '--url', 'localhost'], /^--url: expected a URL/],
    [['tail'], /^missing required argument 'client'\n$/],
  ])('reject %j with one line and status 2', async (args, line) => {
    const { code, stdout, stderr } = await runCommand(args, gateway.env)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(line)
  })

  test('report in one line that no gateway answers', async () => {
    for (const args of [
      ['publish', '--client', 'a', '1'],
      ['tail', 'a'],
    ]) {
      const { code, stderr } = await runCommand([...args, '--url', 'http://127.0.0.1:9/graphql'], gateway.env)
      expect(code).toBe(1)
      expect(stderr).toMatch(/^--url: no gateway answers at [^\n]+\n$/)
    }
  })
})
