import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { answerTo } from '../ledger/unrecoverable.ts'
import { testToken } from '../support/gateway/gateway-process.ts'
import { type TcpProxy, tcpProxy } from '../support/network/tcp-proxy.ts'
import { privateRabbit, type RabbitNode } from '../support/rabbitmq/broker.ts'
import { Scene } from './scene.ts'

const user = 'warren'
const heartbeatSeconds = 2
const journal = 'warren.journal'
const events = 'warren.events'
/** For each test; the tests share two cores with others. */

/**
 * Breaks everything between a gateway and its broker, one after another. `root`: from `rabbitMq4`;
 * default: the RabbitMQ of this machine.
 */
export function faultMatrix(root?: string): void {
  let rabbit: RabbitNode
  let proxy: TcpProxy
  let scene: Scene
  const measured: string[] = []

  beforeAll(async () => {
    rabbit = await privateRabbit('matrix', root)
    // The gateway has its own user, so that a test can change its password and permissions while
    // the back end continues.
    await rabbit.ctl('add_user', user, 'first')
    await permit('.*')
    proxy = await tcpProxy(rabbit.port)
    const url = `amqp://${user}:first@127.0.0.1:${proxy.port}?heartbeat=${heartbeatSeconds}`
    scene = await Scene.open({ WARREN_BROKER_URL: url }, rabbit.url())
  })

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]()
    await proxy?.close()
    await rabbit?.remove()
    if (process.env['SHOW_MEASURED'] !== undefined) console.log(measured.join('\n'))
  })

  function permit(configure: string): Promise<string> {
    return rabbit.ctl('set_permissions', user, configure, '.*', '.*')
  }

  /**
   * Waits until the gateway is unready, repairs the fault, waits until new messages arrive, and
   * settles the accounts.
   */
  async function suffer(fault: () => unknown, mend: () => unknown = () => {}): Promise<void> {
    const from = Date.now()
    await fault()
    const unready = await scene.unready(from, Date.now())
    await mend()
    const back = await scene.back(Date.now())
    await scene.account()
    measured.push(`${expect.getState().currentTestName}: unready after ${unready} ms, back after ${back} ms`)
  }

  /** The same for a fault that ends before the gateway has to become unready. */
  async function shrugOff(fault: () => unknown): Promise<void> {
    await fault()
    const back = await scene.back(Date.now())
    await scene.account()
    measured.push(`${expect.getState().currentTestName}: back after ${back} ms`)
  }

  test('the broker closes every connection', () => suffer(() => rabbit.ctl('close_all_connections', 'a test')))

  test('the broker closes every channel of the gateway', async () => {
    const close = `[exit(C, {amqp_error, precondition_failed, "a test", none}) || C <- rabbit_channel:list(),
      (catch rabbit_channel:info(C, [user])) =:= [{user, <<"${user}">>}]].`
    await suffer(() => rabbit.ctl('eval', close))
  })

  test('the exchange of a source is deleted', () =>
    shrugOff(() => scene.onBroker((channel) => channel.deleteExchange(events))))

  test('the binding of a source is removed', () =>
    shrugOff(() => scene.onBroker((channel) => channel.unbindQueue(journal, events, 'client.*'))))

  test('a memory alarm, and its end', () =>
    suffer(
      () => rabbit.ctl('set_vm_memory_high_watermark', '0.00001'),
      () => rabbit.ctl('set_vm_memory_high_watermark', '0.4'),
    ))

  test('a disk alarm, and its end', () =>
    suffer(
      () => rabbit.ctl('set_disk_free_limit', '1000000GB'),
      () => rabbit.ctl('set_disk_free_limit', '50MB'),
    ))

  test('the connection is half-open for a time that no heartbeat notices', () =>
    suffer(
      () => proxy.pause(),
      () => proxy.resume(),
    ))

  test('the connection is half-open until heartbeats are missed', () =>
    suffer(
      () => proxy.pause(),
      async () => {
        await scene.reason(/fell silent/)
        proxy.cut()
        proxy.resume()
      },
    ))

  test('the connection is slower than what arrives through it', async () => {
    // A message has some 300 bytes on the wire, and 25 are published a second.
    proxy.slow(3_000)
    await scene.behind(30).finally(() => proxy.slow(Number.POSITIVE_INFINITY))
    await shrugOff(() => {})
  })

  test('the broker is frozen, and resumes', () =>
    suffer(
      () => rabbit.freeze(),
      () => rabbit.thaw(),
    ))

  test('the password of the gateway is changed, and changed back', () =>
    suffer(
      async () => {
        await rabbit.ctl('change_password', user, 'second')
        await rabbit.ctl('close_all_connections', 'a test of passwords')
      },
      async () => {
        await scene.reason(/wrong user or password/)
        await rabbit.ctl('change_password', user, 'first')
      },
    ))

  test('the broker is restarted', () =>
    suffer(
      () => {
        scene.publisher.hold()
        return rabbit.stop()
      },
      async () => {
        await rabbit.start()
        scene.publisher.release()
      },
    ))

  test('the broker is killed, and started again', () =>
    suffer(
      () => {
        scene.publisher.hold()
        return rabbit.kill()
      },
      async () => {
        await rabbit.start()
        scene.publisher.release()
      },
    ))

  test('the journal is deleted and declared again, and subscribers and resuming clients receive a gap', async () => {
    expect(scene.gaps).toEqual([])
    const old = scene.cursor
    await suffer(() => scene.onBroker((channel) => channel.deleteQueue(journal)))
    expect(scene.gaps).toEqual(['JOURNAL_REPLACED'])
    expect(await answerTo(scene.gateway.port, await testToken({ sub: 'alice' }), 'alice', old)).toBe('JOURNAL_REPLACED')
  })

  test('the journal is deleted while the gateway may not declare it, until it may', async () => {
    await suffer(
      async () => {
        await permit('^$')
        await scene.onBroker((channel) => channel.deleteQueue(journal))
      },
      async () => {
        await scene.reason(/no permission/)
        await permit('.*')
      },
    )
    expect(scene.gaps).toEqual(['JOURNAL_REPLACED', 'JOURNAL_REPLACED'])
  })
}
