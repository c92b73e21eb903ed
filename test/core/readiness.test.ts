import { beforeEach, describe, expect, test } from '@jest/globals'
import { Readiness } from '../../src/core/readiness.ts'

let isJournalUp: boolean
let states: unknown[]
let openings: (() => Promise<void>)[]
let readiness: Readiness

beforeEach(() => {
  isJournalUp = true
  states = []
  openings = []
  const publishGate = {
    isOpen: false,
    open: async () => {
      await openings.shift()?.()
      publishGate.isOpen = true
    },
  }
  readiness = new Readiness({
    isJournalUp: () => isJournalUp,
    publishGate,
    onState: (state) => states.push(state),
  })
})

const refused = () => Promise.reject(new Error('no such exchange'))
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('a gateway', () => {
  test('is up when the journal is, and the default source is bound', async () => {
    readiness.onJournalUp()
    expect([readiness.up, states]).toEqual([false, []])
    await settled()
    expect([readiness.up, states]).toEqual([true, [{ up: true }]])
  })

  test('is up again at once, because the default source stays bound', async () => {
    readiness.onJournalUp()
    await settled()
    isJournalUp = false
    readiness.onJournalDown('cut')
    expect([readiness.up, states.at(-1)]).toEqual([false, { up: false, reason: 'cut' }])
    isJournalUp = true
    readiness.onJournalUp()
    expect([readiness.up, states.at(-1)]).toEqual([true, { up: true }])
  })

  test('reports why the default source is not bound, and each mark tries again', async () => {
    openings.push(refused)
    readiness.onJournalUp()
    await settled()
    expect([readiness.up, states]).toEqual([false, [{ up: false, reason: 'no such exchange' }]])
    readiness.onMark()
    await settled()
    expect([readiness.up, states.at(-1)]).toEqual([true, { up: true }])
    readiness.onMark()
    await settled()
    expect(states).toHaveLength(2)
  })

  test.each([
    ['a binding', () => Promise.resolve()],
    ['a failure to bind', refused],
  ])('does not report %s that comes after the journal went down', async (_what, opening) => {
    openings.push(async () => {
      isJournalUp = false
      await opening()
    })
    readiness.onJournalUp()
    await settled()
    readiness.onMark()
    await settled()
    expect([readiness.up, states]).toEqual([false, []])
  })
})
