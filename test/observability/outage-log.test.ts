import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { OutageLog } from '../../src/observability/outage-log.ts'

let lines: string[]
let outages: OutageLog

beforeEach(() => {
  jest.useFakeTimers()
  lines = []
  outages = new OutageLog((level, text) => lines.push(`${level} ${text}`))
})
afterEach(() => {
  outages.close()
  jest.useRealTimers()
})

test('writes a line when an outage begins, one a minute, and one when it ends, however often it is reported', async () => {
  const parts = ['publishing', 'tail', 'control', 'room', 'administration']
  // Each part tries three nodes one after another, several times a second.
  for (let attempt = 0; attempt < 800; attempt += 1) {
    for (const part of parts) outages.report(part, `${part} is interrupted`, `no answer from node ${attempt % 3}`)
    await jest.advanceTimersByTimeAsync(200)
  }
  for (const part of parts) outages.report(part, `${part} is interrupted`, undefined)
  await jest.advanceTimersByTimeAsync(600_000)
  const all = parts.map((part) => `${part} is interrupted`).join(', ')
  expect(lines).toEqual([
    expect.stringMatching(`^warn RabbitMQ outage: ${all}: no answer from node [0-2]$`),
    expect.stringMatching(`^warn RabbitMQ outage, for 61.0 s so far: ${all}: no answer from node [0-2]$`),
    expect.stringMatching(`^warn RabbitMQ outage, for 121.0 s so far: ${all}: no answer from node [0-2]$`),
    'info RabbitMQ outage: over after 160.0 s',
  ])
})

test('names what is interrupted for each reason', async () => {
  outages.report('a', 'publications wait', 'low on memory')
  outages.report('b', 'the room is silent', 'no permission')
  outages.report('c', 'buffers wait', 'low on memory')
  outages.report('d', 'nothing is delivered', 'it is gone')
  outages.report('d', 'nothing is delivered', undefined)
  await jest.advanceTimersByTimeAsync(1_000)
  expect(lines).toEqual([
    'warn RabbitMQ outage: publications wait, buffers wait: low on memory; the room is silent: no permission',
  ])
})

test('counts an outage with a brief interruption as one', async () => {
  for (let turn = 0; turn < 5; turn += 1) {
    outages.report('a', 'publications wait', 'it confirms nothing')
    await jest.advanceTimersByTimeAsync(200)
    outages.report('a', 'publications wait', undefined)
    await jest.advanceTimersByTimeAsync(5_000)
  }
  await jest.advanceTimersByTimeAsync(10_000)
  expect(lines).toEqual([
    'warn RabbitMQ outage: publications wait: it confirms nothing',
    'info RabbitMQ outage: over after 21.0 s',
  ])
})

test('writes nothing without an outage, nor when it is closed', async () => {
  outages.report('a', 'publications wait', undefined)
  outages.report('a', 'publications wait', 'the gateway is closing')
  outages.close()
  outages.report('b', 'nothing is delivered', 'the gateway is closing')
  await jest.advanceTimersByTimeAsync(120_000)
  expect(lines).toEqual([])
})
