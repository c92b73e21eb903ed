import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery, parse, validate } from 'graphql'
import { callerOf, publish } from '../../e2e/back-end/graphql-caller.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { runCommand } from '../../support/gateway/command-in-process.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { freePort } from '../../support/network/ports.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { everyOperatorName } from '../sdl/operator-names.ts'

const folder = newFolder()
const path = join(folder, 'shop.graphql')
const operations = 'src/console/api/operations'
const gateways: InProcessGateway[] = []

beforeAll(async () => {
  writeFileSync(path, everyOperatorName())
  for (const core of ['on', 'off'])
    gateways.push(
      await openGateway({
        WARREN_SCHEMA: path,
        WARREN_CONSOLE: 'on',
        WARREN_CORE: core,
        WARREN_OPS_PORT: String(await freePort()),
      }),
    )
})
afterAll(async () => {
  for (const gateway of gateways) await gateway.close()
  removeFolder(folder)
})

async function consoleMistakes({ url, operatorToken }: InProcessGateway): Promise<string[]> {
  const call = callerOf(`${url}/console/graphql`, operatorToken)
  const schema = buildClientSchema(await call<IntrospectionQuery>(getIntrospectionQuery()))
  // Operations of one file may use fragments of another.
  const all = readdirSync(operations).map((file) => readFileSync(join(operations, file), 'utf8'))
  return validate(schema, parse(all.join('\n'))).map(({ message }) => message)
}

describe.each([
  ['whole', 0],
  ['left out', 1],
])("beside Warren's own schema, %s, a team that took every name of the operator API", (_core, index) => {
  test('is served with its own fields, and operators with theirs', async () => {
    const gateway = gateways[index]!
    const client = await testToken({ sub: 'alice', scope: 'event:tail' })
    await using alice = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: client } })
    const parcels = alice.subscribe('subscription { tail { id } }')
    const consoleUrl = `${gateway.url.replace('http', 'ws')}/console/graphql`
    await using operator = await connectGraphql(consoleUrl, { connectionParams: { token: gateway.operatorToken } })
    const tail = operator.subscribe('subscription { tail { entries { exchange } } }')
    const moved = operator.subscribe('subscription { parcelMoved { id } }')
    await publishUntil(gateway, () => [parcels, tail, moved].every(({ waiting }) => waiting.length > 0))
    expect(await parcels.next()).toMatchObject({ data: { tail: { id: '1' } } })
    expect(await moved.next()).toEqual({
      data: { parcelMoved: { id: '1' } },
      extensions: { warren: { cursor: expect.any(String) } },
    })
    const seen = await tail.nextMatching(({ data }) => JSON.stringify(data).includes('"shop"'))
    expect(seen.errors).toBeUndefined()
    const answer = await callerOf(
      `${gateway.url}/console/graphql`,
      gateway.operatorToken,
    )('{ replicas { answered } messages(exchange: "shop") { nodes { exchange } } }')
    expect(answer).toMatchObject({
      replicas: [{ answered: true }],
      messages: { nodes: expect.arrayContaining([{ exchange: 'shop' }]) },
    })
  })

  test('leaves the commands of operators working, which ask the ops port', async () => {
    const { url, opsPort, operatorToken } = gateways[index]!
    const env = { WARREN_PORT: new URL(url).port, WARREN_OPS_PORT: String(opsPort) }
    const { stdout, stderr } = await runCommand(['clients', '--json', '--token', operatorToken], env)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ nodes: expect.any(Array), unanswered: [] })
  })

  test('leaves every operation of the console valid', async () => {
    expect(await consoleMistakes(gateways[index]!)).toEqual([])
  })
})

/** Subscriptions begin when the gateway has read them, which no frame announces. */
async function publishUntil(gateway: InProcessGateway, done: () => boolean): Promise<void> {
  const call = callerOf(`${gateway.url}/console/graphql`, gateway.operatorToken)
  for (let left = 100; left > 0 && !done(); left -= 1) {
    await call(publish, { input: { exchange: 'shop', routingKey: 'parcel.1', data: { id: 1 } } })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
