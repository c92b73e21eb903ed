import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { listen } from '../back-end/graphql-caller.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

let replicas: TwoReplicas
beforeAll(async () => {
  replicas = await openTwoReplicas('test-subscription')
})
afterAll(async () => {
  await replicas[Symbol.asyncDispose]()
})

const asClient = 'subscription ($after: Cursor) { testSubscription(clientId: "alice", after: $after) { cursor data } }'

async function publish(n: number): Promise<void> {
  await replicas.onA('mutation ($data: JSON!) { publish(input: { clientId: "alice", data: $data }) { cursor } }', {
    data: { n },
  })
}

interface Client {
  readonly client: { readonly online: boolean; readonly sessions: number; readonly offset: number | null } | null
}
const aliceOf = async () =>
  (await replicas.onB<Client>('{ client(clientId: "alice") { online sessions offset } }')).client

test('a test subscription has all events of a client, and changes neither its position nor its presence', async () => {
  const { a, b, onB } = replicas
  await using operator = await connectGraphql(a.graphqlSocketUrl, {
    connectionParams: { token: await testToken({ sub: 'nadia', scope: 'operator' }) },
  })
  const events = operator.subscribe(asClient)
  // The answer to a later request shows that the subscription has begun.
  await operator.request('{ gateway { version } }')
  await publish(1)
  const { data } = await events.next()
  expect(data).toMatchObject({ testSubscription: { data: { n: 1 } } })
  expect(await aliceOf()).toBeNull()

  const alice = await listen(b.graphqlSocketUrl, await testToken({ sub: 'alice' }), { clientId: 'alice' })
  await publish(2)
  await alice.next()
  await events.next()
  const before = await aliceOf()
  expect(before).toMatchObject({ online: true, sessions: 1, offset: expect.any(Number) })
  // From the beginning: her own position stays where it is.
  const { cursor } = (data as { testSubscription: { cursor: string } }).testSubscription
  const again = operator.subscribe(asClient, { after: cursor })
  expect((await again.next()).data).toMatchObject({ testSubscription: { data: { n: 2 } } })
  expect(await aliceOf()).toEqual(before)

  const { trace } = await onB<{ trace: { messages: { sessions: { openedBy: string | null }[] }[] }[] }>(
    'query ($after: Cursor!) { trace(cursor: $after) { messages { sessions { openedBy } } } }',
    { after: cursor },
  )
  const readers = trace.flatMap(({ messages }) => messages).flatMap(({ sessions }) => sessions)
  expect(readers.map(({ openedBy }) => openedBy ?? 'alice').toSorted()).toEqual(['alice', 'nadia', 'nadia'])

  await onB('mutation { ban(clientId: "alice") }')
  await alice.closed
  await publish(3)
  expect((await events.next()).data).toMatchObject({ testSubscription: { data: { n: 3 } } })
})

test('a test subscription reads another channel of the client, and delivers it under its name', async () => {
  const { a, onA } = replicas
  await using operator = await connectGraphql(a.graphqlSocketUrl, {
    connectionParams: { token: await testToken({ sub: 'nadia', scope: 'operator' }) },
  })
  const events = operator.subscribe(
    'subscription { testSubscription(clientId: "alice", channel: "room.7") { clientId data } }',
  )
  await operator.request('{ gateway { version } }')
  await publish(4)
  await onA('mutation { publish(input: { clientId: "room.7", data: "hello" }) { cursor } }')
  expect((await events.next()).data).toEqual({ testSubscription: { clientId: 'room.7', data: 'hello' } })
})

test('an observer and the client itself may not open one', async () => {
  for (const claims of [{ sub: 'bo', scope: 'observe' }, { sub: 'bo' }, { sub: 'bo', scope: 'channel:#' }]) {
    await using client = await connectGraphql(replicas.a.graphqlSocketUrl, {
      connectionParams: { token: await testToken(claims) },
    })
    const { errors } = await client.request('subscription { testSubscription(clientId: "bo") { kind } }')
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  }
})
