import { afterAll, beforeAll, describe, test } from '@jest/globals'
import { privateRabbit, type RabbitNode } from '../../support/rabbitmq/broker.ts'
import { rabbitMq4 } from '../../support/rabbitmq/rabbitmq-4.ts'
import { binaryHeadersThroughRabbit, bodiesThroughRabbit } from './bodies-suite.ts'

const { root } = await rabbitMq4()
const describeOnFour = root === undefined ? describe.skip : describe

describeOnFour('bodies on RabbitMQ 4', () => {
  let rabbit: RabbitNode

  beforeAll(async () => {
    rabbit = await privateRabbit('bodies', root)
  })
  afterAll(() => rabbit?.remove())

  test('deliverable bodies arrive in order, and the others are unchanged in the quarantine', async () => {
    await bodiesThroughRabbit(rabbit.url())
  })

  test('bytes in a header are base64', () => binaryHeadersThroughRabbit(rabbit.url()))
})
