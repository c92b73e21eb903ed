import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import type { ChannelModel } from 'amqplib'
import { Liveness } from '../../../../src/brokers/rabbitmq/connection/liveness.ts'
import { DeliveryReader } from '../../../../src/brokers/rabbitmq/message/delivery-reader.ts'

let deliveries: DeliveryReader
let probes: number
let answers: boolean
let blocked: boolean
let silent: number
let liveness: Liveness

beforeEach(() => {
  jest.useFakeTimers()
  deliveries = new DeliveryReader(true)
  ;[probes, answers, blocked, silent] = [0, true, false, 0]
  const answer = async (): Promise<unknown> => {
    probes += 1
    if (!answers) return new Promise(() => {})
    deliveries.reads += 1
    return {}
  }
  const channel = Object.assign(new EventEmitter(), { prefetch: answer })
  const connection = { createChannel: async () => channel } as unknown as ChannelModel
  liveness = new Liveness(
    connection,
    deliveries,
    () => blocked,
    () => void (silent += 1),
  )
})
afterEach(() => {
  liveness.stop()
  jest.useRealTimers()
})

test('an idle connection that answers stays open', async () => {
  await jest.advanceTimersByTimeAsync(60_000)
  expect(silent).toBe(0)
  expect(probes).toBeGreaterThan(10)
})

test('a busy connection is not probed', async () => {
  const busy = setInterval(() => void (deliveries.reads += 1), 1_000)
  await jest.advanceTimersByTimeAsync(60_000)
  clearInterval(busy)
  expect({ probes, silent }).toEqual({ probes: 0, silent: 0 })
})

test('a connection without an answer is silent after 5 s, once', async () => {
  answers = false
  await jest.advanceTimersByTimeAsync(4_900)
  expect({ probes, silent }).toEqual({ probes: 1, silent: 0 })
  await jest.advanceTimersByTimeAsync(60_000)
  expect(silent).toBe(1)
})

test('a connection that RabbitMQ does not read because of an alarm is not silent', async () => {
  answers = false
  blocked = true
  await jest.advanceTimersByTimeAsync(60_000)
  expect({ probes, silent }).toEqual({ probes: 0, silent: 0 })
})
