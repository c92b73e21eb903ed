import { afterAll, beforeAll, describe, test } from '@jest/globals'
import { privateRabbit, type RabbitNode } from '../support/rabbitmq.ts'
import { rabbitMq4 } from '../support/rabbitmq-4.ts'
import { bodiesThroughRabbit } from './bodies-suite.ts'

const { root } = await rabbitMq4()

;(root === undefined ? describe.skip : describe)('bodies on RabbitMQ 4', () => {
  let rabbit: RabbitNode

  beforeAll(async () => {
    rabbit = await privateRabbit('bodies', root)
  }, 120_000)
  afterAll(() => rabbit?.remove())

  test(
    'what can be told is told in order, and the rest is in the quarantine as it came',
    () => bodiesThroughRabbit(rabbit.url()),
    120_000,
  )
})
