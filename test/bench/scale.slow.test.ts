import { beforeAll, expect, test } from '@jest/globals'
import { build } from '../../bench/build.ts'
import { benchPackages } from '../../bench/debian.ts'
import { FullMachine } from '../../bench/scale/full-machine.ts'
import { installMissing } from '../support/processes/debian-package.ts'

beforeAll(async () => {
  await installMissing(Object.values(benchPackages))
  await build()
})

// Nothing is timed here. The test only shows that every client is counted, and that each one comes
// back with its cursor.
test('a machine with few clients measures as one that is full', async () => {
  await using machine = await FullMachine.start(2, 500)
  const first = await machine.grow(100)
  const second = await machine.grow(200)
  expect([first.clients, second.clients]).toEqual([100, 200])
  for (const { connectsPerSecond, firstMs, medianMs, lastMs } of [first, second]) {
    expect(connectsPerSecond).toBeGreaterThan(0)
    expect(firstMs).toBeGreaterThan(0)
    expect(medianMs).toBeGreaterThanOrEqual(firstMs * 0.9)
    expect(lastMs).toBeGreaterThanOrEqual(firstMs)
  }
  expect(await machine.manyChannels(10)).toMatch(/: all 100 delivered /)
  const restarted = /with 300 clients: .*?, (\d+) connections returned/.exec(await machine.restart())
  expect(Number(restarted?.[1])).toBeGreaterThanOrEqual(300)
})
