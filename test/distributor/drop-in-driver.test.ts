import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Distributor } from '../../src/distributor/distributor.ts'
import { openDriver } from '../../src/distributor/open-driver.ts'

/** Everything that a driver needs. */
const dropIn = `
const subscriptions = []
export default class Loop {
  static scheme = 'loop:'
  async publish(topic, body, properties) {
    const message = { exchange: '', routingKey: topic, body, properties, redelivered: false, receivedAt: Date.now() }
    for (const { topics, receive } of subscriptions) if (topics.includes(topic)) receive(message).catch(() => {})
  }
  async subscribe(topics, receive) {
    subscriptions.push({ topics, receive })
    return { async close() {} }
  }
}
`

describe('a driver dropped into the folder', () => {
  let folder: string
  let drivers: URL

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'drivers-'))
    drivers = pathToFileURL(`${folder}/`)
    await writeFile(join(folder, 'loop.mjs'), dropIn)
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('is used for the URLs of its scheme', async () => {
    await using distributor = new Distributor('loop:', { drivers })
    const received: unknown[] = []
    await distributor.subscribe((data, topic) => received.push([topic, data]), 'user')
    await distributor.publishServer({ userId: 1 })
    expect(received).toEqual([['user', { userId: 1 }]])
  })

  test('is named with the others if the scheme is unknown', async () => {
    await expect(new Distributor('kafka://host', { drivers }).connect()).rejects.toThrow(
      'url: no driver for kafka:; expected one of loop:',
    )
    await expect(new Distributor('kafka://host').connect()).rejects.toThrow('expected one of amqp:, amqps:, memory:')
    await expect(new Distributor('localhost').connect()).rejects.toThrow('url: expected a URL')
    await expect(new Distributor('amqp://a,memory:').connect()).rejects.toThrow(
      'expected the same scheme for all nodes',
    )
  })

  test('is distinguished from a broken file, and works next to it', async () => {
    const mixed = await mkdtemp(join(tmpdir(), 'drivers-'))
    const logged: string[] = []
    await cp(folder, mixed, { recursive: true })
    await writeFile(join(mixed, 'a-typo.mjs'), 'export default class { static scheme = "typo" }')
    await writeFile(join(mixed, 'b-mute.mjs'), 'export default class { static scheme = "mute:"; publish() {} }')
    await writeFile(join(mixed, 'c-throws.mjs'), 'throw new Error("cannot be loaded")')
    const options = { namespace: 'warren', log: (_level: string, text: string) => void logged.push(text) }
    await openDriver(['loop:'], options, pathToFileURL(`${mixed}/`))
    expect(logged).toEqual([
      'a driver cannot be used: a-typo.mjs: expected a static scheme such as "amqp:", got "typo"',
      'a driver cannot be used: b-mute.mjs: expected a method subscribe',
      'a driver cannot be used: c-throws.mjs: cannot be loaded',
    ])
    await expect(openDriver(['typo:'], options, pathToFileURL(`${mixed}/`))).rejects.toThrow('a-typo.mjs: expected')
    await rm(mixed, { recursive: true })
  })
})
