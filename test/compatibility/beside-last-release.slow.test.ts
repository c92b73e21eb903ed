import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  type Call,
  callerOf,
  createRabbitChannel,
  deleteRabbitChannel,
  listen,
  publish,
} from '../e2e/back-end/graphql-caller.ts'
import { eventually } from '../support/eventually.ts'
import { type GatewayProcess, startGateway, testToken } from '../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { type TestVhost, testVhost } from '../support/rabbitmq/broker.ts'
import { lastReleaseIn } from './last-release-checkout.ts'

const folder = newFolder()
const last = await lastReleaseIn(folder)
const revoke = 'mutation Revoke($clientId: ID!) { revoke(clientId: $clientId) }'
const sourcesOf = '{ rabbitChannels { id } }'

if (last.checkout === undefined) {
  process.stderr.write(`No gateway of the last release: ${last.why}. The recorded fixtures are read instead.\n`)
  // A file without a test fails.
  test('the last release is known by its fixtures only', async () => {
    const { default: recorded } = (await import('./0.1.0/recorded.json', { with: { type: 'json' } })) as {
      default: { control: unknown[] }
    }
    expect(recorded.control.length).toBeGreaterThan(0)
  })
} else {
  const { checkout } = last

  // Both directions: what the first does, the second has to understand.
  describe.each([
    { how: 'the last release, then this one', checkouts: [checkout, undefined] },
    { how: 'this one, then the last release', checkouts: [undefined, checkout] },
  ])('two gateways on one journal: $how', ({ checkouts }) => {
    let vhost: TestVhost
    let a: GatewayProcess
    let b: GatewayProcess
    let onA: Call
    let onB: Call

    beforeAll(async () => {
      vhost = await testVhost('releases')
      const start = (of: string | undefined, env = {}) =>
        startGateway({ ...(of ? { checkout: of } : {}), env: { WARREN_BROKER_URL: vhost.url, ...env } })
      a = await start(checkouts[0])
      b = await start(checkouts[1], { WARREN_DATA_DIR: a.dataDir })
      const operator = await testToken({ scope: 'operator' })
      onA = callerOf(a.graphqlUrl, operator)
      onB = callerOf(b.graphqlUrl, operator)
    })

    afterAll(async () => {
      await b?.[Symbol.asyncDispose]()
      await a?.[Symbol.asyncDispose]()
      await vhost?.close()
    })

    const publishFrom = (call: Call, clientId: string, data: unknown) => call(publish, { input: { clientId, data } })
    const idsOf = async (call: Call) =>
      (await call<{ rabbitChannels: { id: string }[] }>(sourcesOf)).rabbitChannels.map(({ id }) => id).sort()

    test('a cursor of the first resumes on the second, in order and without a gap', async () => {
      const token = await testToken({ sub: 'dora' })
      let after: string
      {
        await using listener = await listen(a.graphqlSocketUrl, token, { clientId: 'dora' })
        await eventually('a subscription', async () =>
          /^warren_subscriptions(?:\{[^}]*\})? [1-9]/m.test(await a.metrics()),
        )
        await publishFrom(onA, 'dora', 1)
        after = (await listener.next()).cursor
      }
      for (let n = 2; n <= 10; n += 1) await publishFrom(n % 2 === 0 ? onA : onB, 'dora', n)
      await using listener = await listen(b.graphqlSocketUrl, token, { clientId: 'dora', after })
      const events = await listener.take(9)
      expect(events.map(({ kind, data }) => [kind, data])).toEqual(
        Array.from({ length: 9 }, (_, n) => ['MESSAGE', n + 2]),
      )
    })

    test('the default source is the same for both, and this release takes client ids with dots', async () => {
      expect(await idsOf(onA)).toEqual(await idsOf(onB))
      expect(await idsOf(onA)).toHaveLength(1)
      const [to, call] = checkouts[0] === undefined ? [a, onA] : [b, onB]
      const clientId = 'frank@example.com'
      const { history } = await call<{ history: { cursor: string } }>('{ history(clientId: "x", first: 1) { cursor } }')
      await publishFrom(call, clientId, 'to an id with dots')
      for (const from of [onA, onB]) await publishFrom(from, 'gina', 'to an id of one word')
      const tokens = await Promise.all([clientId, 'gina'].map((sub) => testToken({ sub })))
      await using frank = await listen(to.graphqlSocketUrl, tokens[0] ?? '', { clientId, after: history.cursor })
      expect((await frank.next()).data).toBe('to an id with dots')
      for (const { graphqlSocketUrl } of [a, b]) {
        await using gina = await listen(graphqlSocketUrl, tokens[1] ?? '', { clientId: 'gina', after: history.cursor })
        expect(await gina.take(2)).toMatchObject([{ kind: 'MESSAGE' }, { kind: 'MESSAGE' }])
      }
    })

    test('a source that the first creates is known to the second before its first message', async () => {
      const token = await testToken({ sub: 'emma' })
      const input = { exchange: 'orders', exchangeType: 'FANOUT', clientId: { fixed: 'emma' } }
      const { createRabbitChannel: source } = await onA<{ createRabbitChannel: { id: string } }>(createRabbitChannel, {
        input,
      })
      await publishFrom(onA, 'emma', 'a place to begin')
      expect(await idsOf(onB)).toContain(source.id)
      await using listener = await listen(b.graphqlSocketUrl, token, { clientId: 'emma' })
      let received = false
      const receiving = (async () => {
        while ((await listener.next()).exchange !== 'orders');
        received = true
      })()
      await eventually('a message of the source', async () => {
        await onA(publish, { input: { exchange: 'orders', routingKey: '', data: 'order' } })
        return received
      })
      await receiving
      expect(await onA(deleteRabbitChannel, { id: source.id })).toEqual({ deleteRabbitChannel: true })
      await eventually('the deletion', async () => !(await idsOf(onB)).includes(source.id))
    })

    test('a revocation by the first ends the session on the second', async () => {
      const token = await testToken({ sub: 'mallory' })
      await using listener = await listen(b.graphqlSocketUrl, token, { clientId: 'mallory' })
      expect(await onA(revoke, { clientId: 'mallory' })).toEqual({ revoke: true })
      expect(await listener.closed).toMatchObject({ code: 4292 })
    })
  })
}

afterAll(() => removeFolder(folder))
