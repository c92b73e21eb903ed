import { expect, test } from '@jest/globals'
import { PendingTakes } from '../../../src/core/positions/pending-takes.ts'
import { asking } from './holds.ts'

/** A call of the registry that the test answers. */
function registry() {
  const open: { resolve: (taken: string) => void; reject: (error: Error) => void }[] = []
  const take = () =>
    new Promise<string>((resolve, reject) => {
      open.push({ resolve, reject })
    })
  return { open, take }
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

const ready = async () => {}

test('the registry is asked for a position once at a time, in the order of the subscriptions', async () => {
  const takes = new PendingTakes()
  const { open, take } = registry()
  const first = takes.run(asking().hold, ready, take)
  await settled()
  const second = takes.run(asking().hold, ready, take)
  const elsewhere = takes.run(asking({ name: 'tablet' }).hold, ready, take)
  await settled()
  // That of the other position does not wait.
  expect(open).toHaveLength(2)
  open[1]?.resolve('tablet')
  expect(await elsewhere).toBe('tablet')
  open[0]?.resolve('first')
  expect(await first).toBe('first')
  await settled()
  expect(open).toHaveLength(3)
  open[2]?.resolve('second')
  expect(await second).toBe('second')
})

test('a later one ends those that have no answer, and their questions are not asked', async () => {
  const takes = new PendingTakes()
  const { open, take } = registry()
  const asked = [asking(), asking(), asking()] as const
  const [first, second, third] = asked.map(({ hold }) => takes.run(hold, ready, take))
  await settled()
  expect(asked.map(({ failure }) => failure()?.code)).toEqual(['POSITION_TAKEN', 'POSITION_TAKEN', undefined])
  expect(open).toHaveLength(1)
  open[0]?.resolve('third')
  expect(await Promise.all([first, second, third])).toEqual([undefined, undefined, 'third'])
})

test('one that has its answer is not ended by a later one, one that waits for the registry is', async () => {
  const takes = new PendingTakes()
  const { open, take } = registry()
  const [answered, first, second, third] = [asking(), asking(), asking(), asking()]
  const one = takes.run(answered.hold, ready, take)
  await settled()
  open[0]?.resolve('answered')
  await one
  void takes.run(first.hold, ready, take)
  await settled()
  void takes.run(second.hold, ready, take)
  await settled()
  open[1]?.resolve('first')
  await settled()
  // The second is still the latest one, though the first has ended after it began.
  void takes.run(third.hold, ready, take)
  await settled()
  expect([answered, first, second, third].map(({ failure }) => failure()?.code)).toEqual([
    undefined,
    'POSITION_TAKEN',
    'POSITION_TAKEN',
    undefined,
  ])
  expect(open).toHaveLength(3)
})

test('one waits for the former question even if a third one has ended meanwhile', async () => {
  const takes = new PendingTakes()
  const { open, take } = registry()
  const first = takes.run(asking().hold, ready, take)
  await settled()
  // It leaves before it asks.
  const left = asking()
  left.subscription.end()
  let prepared = (): void => undefined
  const leaving = takes.run(
    left.hold,
    () =>
      new Promise((resolve) => {
        prepared = resolve
      }),
    take,
  )
  open[0]?.resolve('first')
  await first
  const third = takes.run(asking().hold, ready, take)
  await settled()
  prepared()
  const fourth = takes.run(asking().hold, ready, take)
  await settled()
  expect(open).toHaveLength(2)
  open[1]?.reject(new Error('away'))
  await expect(third).rejects.toThrow('away')
  expect(await leaving).toBeUndefined()
  await settled()
  open[2]?.resolve('fourth')
  expect(await fourth).toBe('fourth')
})

test('a failure of what comes before the question is that of the subscription only', async () => {
  const takes = new PendingTakes()
  const { open, take } = registry()
  await expect(takes.run(asking().hold, () => Promise.reject(new Error('away')), take)).rejects.toThrow('away')
  const next = takes.run(asking().hold, ready, take)
  await settled()
  open[0]?.resolve('next')
  expect(await next).toBe('next')
})

test('one that has its answer is not ended while an earlier one still waits', async () => {
  const takes = new PendingTakes()
  const { open, take } = registry()
  void takes.run(asking().hold, () => new Promise(() => {}), take)
  const answered = asking()
  const one = takes.run(answered.hold, ready, take)
  await settled()
  open[0]?.resolve('answered')
  await one
  void takes.run(asking().hold, ready, take)
  await settled()
  expect([answered.failure(), open.length]).toEqual([undefined, 2])
})

test('nothing is kept of those that have their answer', async () => {
  const takes = new PendingTakes()
  const { open, take } = registry()
  const both = [takes.run(asking().hold, ready, take), takes.run(asking({ name: 'tablet' }).hold, ready, take)]
  await settled()
  const later = takes.run(asking().hold, ready, take)
  expect(takes.size).toBe(2)
  open[0]?.reject(new Error('away'))
  open[1]?.resolve('tablet')
  expect(await Promise.allSettled(both)).toMatchObject([{ status: 'rejected' }, { status: 'fulfilled' }])
  expect(takes.size).toBe(1)
  await settled()
  open[2]?.resolve('later')
  await later
  expect(takes.size).toBe(0)
})
