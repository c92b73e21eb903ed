import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { callerOf, channelQuery, listen } from '../../e2e/back-end/graphql-caller.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { ask, created, outcomeOf } from './registrant.ts'

const remove = 'mutation Delete($clientId: ID!) { deleteClientChannel(clientId: $clientId) }'
const history = `query History($clientId: ID!, $after: Cursor) {
  history(clientId: $clientId, after: $after) { events { data } gap { reason oldest } }
}`

interface Page {
  readonly history: { readonly events: { data: unknown }[]; readonly gap: { reason: string; oldest: string } | null }
}

let gateway: InProcessGateway
beforeAll(async () => {
  gateway = await openGateway()
})
afterAll(() => gateway.close())

const asOperator = () => callerOf(gateway.graphqlUrl, gateway.operatorToken)

async function publishTo(clientId: string, data: unknown): Promise<void> {
  await asOperator()('mutation Publish($input: PublishInput!) { publish(input: $input) { messageId } }', {
    input: { clientId, data },
  })
}

test("the old owner's tokens are invalid, and the new owner's are valid, within the same second", async () => {
  const owner = await created(gateway.graphqlUrl, 'taken')
  const minted = await gateway.clientToken('taken')
  for (const password of ['second owner', 'third owner']) {
    const before =
      password === 'second owner'
        ? owner.token
        : (await created(gateway.graphqlUrl, 'taken', { password: 'second owner' })).token
    expect(await asOperator()(remove, { clientId: 'taken' })).toEqual({ deleteClientChannel: true })
    const { token } = await created(gateway.graphqlUrl, 'taken', { password })
    const attempt = async (bearer: string) =>
      outcomeOf(await ask(gateway.graphqlUrl, history, { clientId: 'taken' }, { token: bearer }))
    expect([await attempt(before), await attempt(minted), await attempt(token)]).toEqual([
      'UNAUTHENTICATED',
      'UNAUTHENTICATED',
      'answered',
    ])
  }
})

test('a socket of the old owner loses the channel, and keeps what its scope permits', async () => {
  await created(gateway.graphqlUrl, 'left')
  const token = await testToken({ sub: 'left', scope: 'channel:other' })
  await using socket = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })
  const own = socket.subscribe(channelQuery, { clientId: 'left' })
  const other = socket.subscribe(channelQuery, { clientId: 'other' })
  await socket.request('{ gateway { version } }')
  expect(await socket.request('mutation { deleteClientChannel(clientId: "left") }')).toEqual({
    data: { deleteClientChannel: true },
  })
  expect(await own.ended).toMatchObject([{ extensions: { code: 'CHANNEL_NOT_FOUND' } }])
  await created(gateway.graphqlUrl, 'left', { password: 'next owner' })
  await publishTo('left', 'for the next owner')
  expect(outcomeOf(await socket.subscribe(channelQuery, { clientId: 'left' }).next())).toBe('FORBIDDEN')
  expect(outcomeOf(await socket.request('{ history(clientId: "left") { events { data } } }'))).toBe('FORBIDDEN')
  expect(outcomeOf(await socket.request('mutation { deleteClientChannel(clientId: "left") }'))).toBe('FORBIDDEN')
  await publishTo('other', 'still here')
  expect(await other.next()).toMatchObject({ data: { channel: { data: 'still here' } } })
})

test('the past of a channel is inaccessible to its next owner, for any caller and over any transport', async () => {
  const before = await created(gateway.graphqlUrl, 'passed')
  await publishTo('passed', 'of the old owner')
  await asOperator()(remove, { clientId: 'passed' })
  await publishTo('passed', 'of no owner')
  const { token, channel } = await created(gateway.graphqlUrl, 'passed', { password: 'next owner' })
  await publishTo('passed', 'of the new owner')

  const after = before.channel.cursor
  for (const bearer of [token, gateway.operatorToken, await testToken({ scope: 'channel:#' })]) {
    const call = callerOf(gateway.graphqlUrl, bearer)
    const first = await call<Page>(history, { clientId: 'passed' })
    expect(first.history).toEqual({ events: [{ data: 'of the new owner' }], gap: null })
    const resumed = await call<Page>(history, { clientId: 'passed', after })
    expect(resumed.history.events).toEqual([{ data: 'of the new owner' }])
    expect(resumed.history.gap?.reason).toBe('RETENTION')
    const oldest = await call<Page>(history, { clientId: 'passed', after: resumed.history.gap!.oldest })
    expect(oldest.history).toEqual({ events: [{ data: 'of the new owner' }], gap: null })

    await using listener = await listen(gateway.graphqlSocketUrl, bearer, { clientId: 'passed', after })
    const [gap, event] = await listener.take(2)
    expect([gap?.kind, gap?.gap?.reason, event?.data]).toEqual(['GAP', 'RETENTION', 'of the new owner'])
  }

  const stream = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      'last-event-id': after,
    },
    body: JSON.stringify({ query: channelQuery, variables: { clientId: 'passed' } }),
  })
  let text = ''
  for await (const piece of stream.body!.pipeThrough(new TextDecoderStream())) {
    text += piece
    if (text.includes('of the new owner')) break
  }
  expect(text).toContain('RETENTION')
  expect(text).not.toMatch(/of the old owner|of no owner/)

  await using own = await listen(gateway.graphqlSocketUrl, token, { clientId: 'passed', after: channel.cursor })
  expect((await own.next()).data).toBe('of the new owner')
})

test('an id that was never registered cannot be deleted, and its tokens stay valid', async () => {
  const token = await gateway.clientToken('minted')
  expect(await callerOf(gateway.graphqlUrl, token)(remove, { clientId: 'minted' })).toEqual({
    deleteClientChannel: false,
  })
  expect(outcomeOf(await ask(gateway.graphqlUrl, history, { clientId: 'minted' }, { token }))).toBe('answered')
})
