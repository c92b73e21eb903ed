import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { type TcpProxy, tcpProxy } from '../support/network/tcp-proxy.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { chaos, numbers, position, publish, ReceivedNumbers } from './numbered-messages.ts'

interface Event {
  readonly kind: string
  readonly data?: unknown
  readonly gap?: { readonly reason: string } | null
}

export interface LanguageExample {
  /** The program and its first arguments. Called when a test begins. */
  readonly command: () => readonly string[]
  readonly scheme: 'http' | 'ws'
  /** The event in a line that the program prints. */
  readonly eventIn?: (line: string) => Event
}

const many = 600

const parsed = (line: string) => JSON.parse(line) as Event

/** What each example client must do: docs/protocols/resume.md. */
export function resumesAsThePageDescribes({ command, scheme, eventIn = parsed }: LanguageExample): void {
  const folder = newFolder()
  const running = new Set<ChildProcess>()
  let gateway: InProcessGateway
  let proxy: TcpProxy
  beforeAll(async () => {
    gateway = await openGateway()
    proxy = await tcpProxy(Number(new URL(gateway.url).port))
  })
  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL')
    await proxy?.close()
    await gateway?.close()
    removeFolder(folder)
  })

  const cursorFile = (clientId: string) => join(folder, `${clientId}.cursor`)

  /** Starts the example. Its lines arrive as numbers, its gaps as their reasons. */
  function start(clientId: string, token: string) {
    const received = new ReceivedNumbers()
    const url = `${scheme}://127.0.0.1:${proxy.port}/graphql`
    const [program = '', ...first] = command()
    const child = spawn(program, [...first, url, clientId, token, cursorFile(clientId)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.add(child)
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
    createInterface(child.stdout).on('line', (line) => {
      const event = eventIn(line)
      received.add(event.kind === 'GAP' ? event.gap?.reason : event.data)
    })
    const ended = once(child, 'close').then(([code]) => {
      running.delete(child)
      received.fail(new Error(`the example has ended: ${complaint}`))
      return { code: code as number | null, complaint }
    })
    return {
      received,
      ended,
      stop: async (): Promise<void> => {
        child.kill('SIGKILL')
        await ended
      },
    }
  }

  /** A channel with a stored position, so that no message is before the subscription. */
  async function registered(clientId: string): Promise<void> {
    await writeFile(cursorFile(clientId), await position(clientId, gateway.graphqlUrl))
  }

  test(`receives each of ${many} messages once and in order, wherever its connection is cut`, async () => {
    await registered('cut')
    const before = proxy.accepted
    const { received, stop } = start('cut', await gateway.clientToken('cut'))
    await chaos({
      seed: 11,
      count: many,
      cuts: 4,
      received,
      publish: (n) => publish(gateway, 'cut', n),
      cut: () => proxy.cut(),
      connections: () => proxy.accepted - before,
    })
    await stop()
    expect(received.data).toEqual(numbers(many))
    expect(proxy.accepted - before).toBeGreaterThan(2)
  })

  test('continues after its stored cursor when it is started again', async () => {
    await registered('again')
    const token = await gateway.clientToken('again')
    const first = start('again', token)
    await publish(gateway, 'again', 1)
    await publish(gateway, 'again', 2)
    await first.received.until(2)
    // The cursor of 1 is stored before 2 is read. 2 may or may not count as handled.
    await first.stop()
    await publish(gateway, 'again', 3)
    const second = start('again', token)
    await second.received.until(1)
    const isRepeated = second.received.data[0] === 2
    if (isRepeated) await second.received.until(2)
    await second.stop()
    expect(second.received.data).toEqual(isRepeated ? [2, 3] : [3])
    expect(readFileSync(cursorFile('again'), 'utf8')).toMatch(/^\S+$/)
  })

  test('passes a gap on, and continues after it', async () => {
    await registered('gap')
    await writeFile(cursorFile('gap'), 'no-cursor-of-this-deployment')
    const { received, stop } = start('gap', await gateway.clientToken('gap'))
    await received.until(1)
    await publish(gateway, 'gap', 7)
    await received.until(2)
    await stop()
    expect(received.data).toEqual(['INVALID_CURSOR', 7])
  })

  test('ends when its token was refused three times, and when the channel is not its own', async () => {
    await registered('refused')
    const before = proxy.accepted
    const invalid = start('refused', 'no-token')
    expect((await invalid.ended).code).toBe(1)
    expect(proxy.accepted - before).toBe(3)
    const other = start('refused', await gateway.clientToken('somebody-else'))
    expect((await other.ended).code).toBe(1)
    expect(proxy.accepted - before).toBe(4)
  })
}
