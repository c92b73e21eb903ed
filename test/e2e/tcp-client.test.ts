import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { openReachable, type ReachableGateway } from '../support/gateway/gateway-in-process.ts'
import { testToken } from '../support/gateway/gateway-process.ts'
import { type TcpProxy, tcpProxy } from '../support/network/tcp-proxy.ts'

const script = 'examples/tcp/framed_client.py'
let gateway: ReachableGateway
let proxy: TcpProxy

beforeAll(async () => {
  gateway = await openReachable()
  proxy = await tcpProxy(gateway.tcpPort)
})
afterAll(async () => {
  await proxy?.close()
  await gateway?.[Symbol.asyncDispose]()
})

function python(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile('/usr/bin/python3', [script, '127.0.0.1', String(gateway.tcpPort), ...args], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

test('the Python client receives its channel, once and in order, also through a network that is cut', async () => {
  const args = [
    script,
    '127.0.0.1',
    String(proxy.port),
    '--token',
    await testToken({ sub: 'alice' }),
    '--count',
    '20',
    'subscribe',
    'alice',
  ]
  const child = spawn('/usr/bin/python3', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  const lines = new Inbox<string>('a line of the Python client')
  createInterface(child.stdout).on('line', (line) => lines.push(line))
  const publisher = await testToken({ scope: 'publish' })
  await eventually('the subscription', async () =>
    (await gateway.metrics()).includes('warren_subscriptions{transport="tcp"} 1'),
  )
  for (let n = 0; n < 20; n += 1) {
    const { stdout, code } = await python('--token', publisher, 'publish', 'alice', JSON.stringify({ n, text: 'ü€😀' }))
    expect({ code, answer: JSON.parse(stdout) as unknown }).toEqual({
      code: 0,
      answer: { messageId: expect.any(String) },
    })
    if (n % 7 === 3) {
      // Not before it has received the position to resume.
      expect(JSON.parse(await lines.next())).toMatchObject({ kind: 'message', data: { n: expect.any(Number) } })
      proxy.cut()
    }
  }
  await exited
  expect(child.exitCode).toBe(0)
  const received = lines.waiting.map((line) => (JSON.parse(line) as { data: { n: number } }).data.n)
  expect(received).toEqual(Array.from({ length: received.length }, (_, index) => index + 20 - received.length))
  expect(received.length).toBe(20 - 3)
})

test('it searches, sends bytes, and prints why it was refused', async () => {
  expect(await python('--token', await testToken({ sub: 'alice' }), 'search', 'x')).toMatchObject({
    code: 0,
    stdout: '[]\n',
  })
  expect(await python('binary', 'hello world')).toMatchObject({ stdout: 'First 10 bytes of request: hello worl' })
  expect(await python('--token', await testToken({ sub: 'bob' }), 'subscribe', 'alice')).toMatchObject({
    code: 1,
    stderr: 'FORBIDDEN: this token does not allow you to subscribe to channel "alice"\n',
  })
})
