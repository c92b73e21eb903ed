import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { openReachable, type ReachableGateway } from '../support/gateway/gateway-in-process.ts'
import { type TestVhost, testVhost } from '../support/rabbitmq/broker.ts'
import { startProcessor, startPythonProcessor } from './back-end/processors.ts'
import { gather, joinThrough, numbered, open } from './room-member.ts'

describe('two replicas with processors of the old manager', () => {
  let vhost: TestVhost
  let a: ReachableGateway
  let b: ReachableGateway

  beforeAll(async () => {
    vhost = await testVhost('room')
    a = await openReachable(open(vhost.url).env)
    b = await openReachable(open(vhost.url).env)
  })
  afterAll(async () => {
    await Promise.all([a?.[Symbol.asyncDispose](), b?.[Symbol.asyncDispose]()])
    await vhost?.close()
  })

  test('are one room: every member receives each text once, in order, and what two processors in Python made of it', async () => {
    await using one = await startPythonProcessor(vhost.url)
    await using two = await startPythonProcessor(vhost.url)
    await using here = await joinThrough(a)
    await using beside = await joinThrough(a)
    await using there = await joinThrough(b)
    const texts = numbered('text', 50)
    for (const text of texts) here.send(text)
    const [atHere, atBeside, atThere] = await Promise.all([
      gather(here, { processed: 100, sent: 50 }),
      gather(beside, { processed: 100, other: 50 }),
      gather(there, { processed: 100, other: 50 }),
    ])
    expect(atHere).toMatchObject({ sent: texts, other: [] })
    expect(atBeside).toMatchObject({ sent: [], other: texts })
    expect(atThere).toMatchObject({ sent: [], other: texts })
    const outcomes = texts.flatMap((text) => Array.from({ length: 2 }, () => `${text.toUpperCase()} (py)`)).sort()
    for (const at of [atHere, atBeside, atThere]) expect(at.processed.sort()).toEqual(outcomes)
    await eventually(
      'both processors to print everything',
      () => one.printed.length + two.printed.length >= 2 * texts.length,
    )
    expect([one.printed, two.printed]).toEqual([texts, texts])
  })

  let attempts = 0
  test.each([
    ['in Python, by a queue', startPythonProcessor],
    ['on the Distributor, by a group', startProcessor],
  ])('share their texts among processors %s', async (how, start) => {
    attempts += 1
    // A queue outlives its processors, and keeps collecting.
    const group = `${how.split(' ')[1] ?? ''}${attempts}`
    await using one = await start(vhost.url, group)
    await using two = await start(vhost.url, group)
    await using here = await joinThrough(a)
    await using there = await joinThrough(b)
    const texts = numbered(how, 40)
    for (const text of texts) there.send(text)
    const { processed, other } = await gather(here, { processed: 40, other: 40 })
    expect(other).toEqual(texts)
    expect(processed.sort()).toEqual(texts.map((text) => `${text.toUpperCase()} (${group})`).sort())
    // The processors print after they answer.
    await eventually(
      'both processors to print everything',
      () => one.printed.length + two.printed.length >= texts.length,
    )
    expect(one.printed.length).toBeGreaterThan(0)
    expect(two.printed.length).toBeGreaterThan(0)
    expect([...one.printed, ...two.printed].sort()).toEqual([...texts].sort())
  })
})
