import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { connectGraphqlRequest } from './clients/graphql-request.ts'
import { ClientChannelDocument, CreateClientChannelDocument, PublishDocument } from './generated/graphql.ts'

let gateway: InProcessGateway

beforeAll(async () => {
  gateway = await openGateway()
})
afterAll(() => gateway.close())

test('graphql-request creates a channel, publishes, and receives the code of a refusal', async () => {
  const input = { clientId: 'requesting', name: 'Alice', email: 'alice@example.com', password: 'correct horse' }
  await using anonymous = connectGraphqlRequest(gateway)
  const { createClientChannel } = await anonymous.run(CreateClientChannelDocument, { input })
  await using publisher = connectGraphqlRequest(gateway, gateway.publisherToken)
  const { publish } = await publisher.run(PublishDocument, {
    input: { clientId: 'requesting', messageId: 'm1', data: { number: 1 } },
  })
  expect(publish.messageId).toBe('m1')
  await using alice = connectGraphqlRequest(gateway, createClientChannel.token)
  const { clientChannel } = await alice.run(ClientChannelDocument, { clientId: 'requesting' })
  expect(clientChannel).toMatchObject({ clientId: 'requesting', name: 'Alice' })
  await expect(alice.run(PublishDocument, { input: { clientId: 'requesting', data: 1 } })).rejects.toMatchObject({
    codes: ['FORBIDDEN'],
  })
})
