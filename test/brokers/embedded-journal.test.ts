import { appendFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { EmbeddedJournal } from '../../src/brokers/embedded/journal.ts'
import type { JournalMessage, Message } from '../../src/core/model/message.ts'
import type { JournalTail } from '../../src/core/ports/journal.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

const retention = { maxAgeMs: 3_600_000, maxBytes: 64 * 1024 }

let folder: string
beforeEach(() => {
  folder = newFolder()
})
afterEach(() => removeFolder(folder))

/** What a gateway reads of a journal in `folder`, until its process ends. */
interface Life {
  readonly journal: EmbeddedJournal
  readonly epoch: string
  /** Read before the present, and since. Marks are left out. */
  readonly past: readonly JournalMessage[]
  readonly live: readonly JournalMessage[]
}

async function live(): Promise<Life> {
  const journal = new EmbeddedJournal(retention, folder)
  const [past, present]: [JournalMessage[], JournalMessage[]] = [[], []]
  let epoch = ''
  let into = past
  await new Promise<void>((resolve) => {
    const tail: JournalTail = {
      onUp: resolve,
      onDown: () => undefined,
      onEpoch: (begun) => {
        epoch = begun
        return Promise.resolve()
      },
      onPresent: () => {
        into = present
      },
      onTruncated: async () => undefined,
      onMessage: (entry) => void (entry.mark || into.push(entry)),
      onUnreadable: () => undefined,
    }
    journal.open(tail)
  })
  return { journal, epoch, past, live: present }
}

const message = (body: string): Message => ({
  exchange: 'shop',
  routingKey: 'a',
  body: Buffer.from(body),
  properties: { messageId: `id of ${body.slice(0, 9)}`, headers: { large: 2n ** 60n } },
  redelivered: false,
  receivedAt: Date.now(),
})

const bodies = (entries: readonly JournalMessage[]) => entries.map(({ body }) => body.toString())

test('a journal in a folder continues after its process was killed, with the same epoch and offsets', async () => {
  const first = await live()
  for (const body of ['one', 'two']) first.journal.append(message(body))
  // Not closed: a killed process closes nothing.
  const second = await live()
  expect(second.epoch).toBe(first.epoch)
  expect(second.past).toEqual(first.live)
  second.journal.append(message('three'))
  expect(second.live[0]?.offset).toBeGreaterThan(second.past[1]?.offset ?? 0)

  const scanned: string[] = []
  await second.journal.scan(
    second.past[1]?.offset ?? 0,
    ({ body, mark }) => (mark ? true : scanned.push(body.toString()) < 2),
    new AbortController().signal,
  )
  expect(scanned).toEqual(['two', 'three'])
  await Promise.all([first, second].map(({ journal }) => journal.close()))
})

test('a record that was cut off by the end of the process is dropped, and the next one is readable', async () => {
  const first = await live()
  first.journal.append(message('one'))
  await first.journal.close()
  appendFileSync(join(folder, 'journal'), Buffer.from([0, 0, 1, 0, 42]))
  const second = await live()
  expect(bodies(second.past)).toEqual(['one'])
  second.journal.append(message('two'))
  await second.journal.close()
  const third = await live()
  expect(bodies(third.past)).toEqual(['one', 'two'])
  await third.journal.close()
})

test('the files stay below the bound, and keep the end of the journal', async () => {
  const first = await live()
  const written = Array.from({ length: 200 }, (_, index) => `${index} `.padEnd(1_000, '.'))
  for (const body of written) first.journal.append(message(body))
  await first.journal.close()
  const bytes = readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0)
  // The last record of each file may go past its half.
  expect(bytes).toBeLessThan(retention.maxBytes + 2 * 1_500)
  const second = await live()
  expect(bodies(second.past)).toEqual(written.slice(-second.past.length))
  expect(second.past.length).toBeGreaterThan(25)
  expect(second.past.at(-1)?.offset).toBe(first.live.at(-1)?.offset)
  await second.journal.close()
})

test('what waits for a journal that is closed learns that it is not available', async () => {
  const { journal } = await live()
  const { signal } = new AbortController()
  let atTheEnd = (): void => undefined
  const reading = new Promise<void>((resolve) => {
    atTheEnd = resolve
  })
  const scan = journal.scan(0, () => (atTheEnd(), true), signal)
  await reading
  await journal.close()
  await expect(scan).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  await expect(journal.mark()).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
})
