import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { serverAudits } from 'graphql-http'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'

let gateway: InProcessGateway

beforeAll(async () => {
  gateway = await openGateway()
})
afterAll(() => gateway.close())

// Each audit sends a request to `/graphql`. `notice` and `warn` count as failures too: a SHOULD and
// a MAY of the specification.
const audits = serverAudits({ url: () => gateway.graphqlUrl })

test('graphql-http has as many audits as this file expects', () => {
  expect(audits).toHaveLength(61)
})

describe('GraphQL over HTTP at /graphql: the server', () => {
  test.each(audits.map((audit) => [`${audit.name} (${audit.id})`, audit] as const))('%s', async (_name, audit) => {
    const { status, ...details } = await audit.fn()
    expect({ status, ...('reason' in details ? { reason: details.reason } : {}) }).toEqual({ status: 'ok' })
  })
})
