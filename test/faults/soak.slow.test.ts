import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from '@jest/globals'
import { soak } from '../ledger/soak.ts'
import { grown, heapOf, snapshotsTo } from '../support/processes/heap-snapshot.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { testVhost } from '../support/rabbitmq/broker.ts'

test('connections and messages leave nothing behind, and are all in the accounts', async () => {
  await using vhost = await testVhost('soak')
  const result = await soak({ brokerUrl: vhost.url, connections: 100, messagesEach: 10, warmUpRounds: 4, rounds: 5 })
  expect(result.faults).toEqual([])
  expect({ connects: result.connects, messages: result.messages }).toEqual({ connects: 900, messages: 9_000 })
  expect(result.leaks).toEqual([])
  expect(result.growth).toBeLessThan(1.05)
})

test('a leak is named', async () => {
  const folder = newFolder()
  const leaky = `
    class Forgotten {}
    const kept = []
    process.on('message', () => {
      for (let count = 0; count < 500; count += 1) kept.push(new Forgotten())
      process.send('kept')
    })
    process.send('runs')`
  const child = spawn(process.execPath, ['-e', leaky], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { NODE_OPTIONS: snapshotsTo(folder) },
  })
  await once(child, 'message')
  const before = await heapOf(child.pid ?? 0, folder)
  child.send('more')
  await once(child, 'message')
  const after = await heapOf(child.pid ?? 0, folder)
  expect(grown(before, after, 500)).toEqual(['object Forgotten +500'])
  child.kill()
  await once(child, 'exit')
  removeFolder(folder)
})
