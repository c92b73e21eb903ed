import { expect, test } from '@jest/globals'
import { openSealedKey, sealKey } from '../../../src/auth/sealed-key.ts'
import { CursorCodec, cursorOf, fingerprintOf, printCursor, printOldCursor } from '../../../src/core/model/cursor.ts'
import type { JournalMessage } from '../../../src/core/model/message.ts'
import { callerOf, type DeliveredEvent, listen, publish } from '../../e2e/back-end/graphql-caller.ts'
import { testKeys } from '../../support/gateway/deployment-keys.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'

const message: JournalMessage = {
  offset: 7,
  mark: false,
  exchange: 'warren.events',
  routingKey: 'client.bob',
  body: Buffer.from('"yes"'),
  properties: {},
  redelivered: false,
  receivedAt: 0,
}
const epoch = '00112233aabbccdd'
const hour = 3_600_000

/** The first event after a cursor, while a message is published to the channel. */
async function answerTo(gateway: InProcessGateway, after: string): Promise<DeliveredEvent> {
  await using alice = await listen(gateway.graphqlSocketUrl, await gateway.clientToken('alice'), {
    clientId: 'alice',
    after,
  })
  await publishTo(gateway, 'on')
  return await alice.next()
}

async function publishTo(gateway: InProcessGateway, data: unknown): Promise<void> {
  await callerOf(gateway.graphqlUrl, gateway.publisherToken)(publish, { input: { clientId: 'alice', data } })
}

async function cursorOfAlice(gateway: InProcessGateway): Promise<string> {
  await using alice = await listen(gateway.graphqlSocketUrl, await gateway.clientToken('alice'), { clientId: 'alice' })
  await publishTo(gateway, 'first')
  return (await alice.next()).cursor
}

test('a cursor altered in any byte is answered with INVALID_CURSOR, on subscriptions and in history', async () => {
  await using gateway = await openGateway()
  const good = await cursorOfAlice(gateway)
  const bytes = Buffer.from(good, 'base64url')
  const altered = [...bytes.keys()].map((index) => {
    const copy = Buffer.from(bytes)
    copy[index] = (copy[index] ?? 0) ^ (1 << (index % 8))
    return copy.toString('base64url')
  })
  const call = callerOf(gateway.graphqlUrl, gateway.operatorToken)
  const query = altered.map((after, n) => `h${n}: history(clientId: "alice", after: "${after}") { gap { reason } }`)
  const answer = await call(`{ ${query.join(' ')} }`)
  expect(answer).toEqual(Object.fromEntries(altered.map((_, n) => [`h${n}`, { gap: { reason: 'INVALID_CURSOR' } }])))
  for (const index of [0, 10, 18, bytes.length - 1]) {
    const event = await answerTo(gateway, altered[index] ?? '')
    expect(event).toMatchObject({ kind: 'GAP', gap: { reason: 'INVALID_CURSOR' } })
  }
  expect(await answerTo(gateway, good)).toMatchObject({ kind: 'MESSAGE', data: 'on' })
})

test('a cursor reveals nothing of the message: without the key its fingerprint looks random', () => {
  const shown = (keys = testKeys(), offset = message.offset): number => {
    const cursor = cursorOf(new CursorCodec(keys, hour), epoch, { ...message, offset })
    return Buffer.from(printCursor(cursor), 'base64url').readUInt32BE(17)
  }
  // The checksum of the body is not in it: a client could compute that for each guessed message …
  const samples = Array.from({ length: 200 }, () => shown())
  expect(samples).not.toContain(fingerprintOf(message))
  expect(new Set(samples).size).toBeGreaterThan(190)
  // … and equal messages at two positions do not look equal.
  const keys = testKeys()
  expect(new Set(Array.from({ length: 200 }, (_, offset) => shown(keys, offset))).size).toBeGreaterThan(190)
})

test('cursors survive a restart and another JWT secret, and are invalid in another deployment', async () => {
  const folder = newFolder()
  try {
    const kept = { WARREN_DATA_DIR: folder }
    const first = await openGateway(kept)
    const good = await cursorOfAlice(first)
    await first.close()
    // Its embedded journal is gone too, which a gateway reports if it can read the cursor.
    {
      await using again = await openGateway({ ...kept, WARREN_JWT_SECRET: 'another secret, of at least 32 bytes too' })
      expect(again.gateway.cursors.parse(good)).toMatchObject({ before: false })
    }
    await using otherDeployment = await openGateway()
    expect(otherDeployment.gateway.cursors.parse(good)).toBeUndefined()
    expect(await answerTo(otherDeployment, good)).toMatchObject({ gap: { reason: 'INVALID_CURSOR' } })
  } finally {
    removeFolder(folder)
  }
})

test('a cursor of the last release resumes until one retention after the first start, and then is INVALID_CURSOR', async () => {
  await using gateway = await openGateway()
  const good = gateway.gateway.cursors.parse(await cursorOfAlice(gateway))
  if (!good) throw new Error('no cursor')
  expect(await answerTo(gateway, printOldCursor(good))).toMatchObject({ kind: 'MESSAGE', data: 'on' })

  const old = printOldCursor(cursorOf(new CursorCodec(testKeys(), hour), epoch, message))
  const madeBefore = (ms: number) => testKeys({ createdAt: new Date(Date.now() - ms) })
  expect(new CursorCodec(madeBefore(hour - 60_000), hour).parse(old)).toMatchObject({ epoch, offset: 7 })
  expect(new CursorCodec(madeBefore(hour + 1), hour).parse(old)).toBeUndefined()
  // A week, if the journal is limited by size only.
  const week = 7 * 24 * hour
  expect(new CursorCodec(madeBefore(week - 60_000), Number.POSITIVE_INFINITY).parse(old)).toBeDefined()
  expect(new CursorCodec(madeBefore(week + 1), Number.POSITIVE_INFINITY).parse(old)).toBeUndefined()
})

test('during a possible update cursors are printed so that replicas of the last release can read them', () => {
  const during = new CursorCodec(testKeys({ newCursorsFrom: new Date(Date.now() + 60_000) }), hour)
  const after = new CursorCodec(testKeys({ newCursorsFrom: new Date(Date.now() - 1) }), hour)
  const printed = printCursor(cursorOf(during, epoch, message))
  expect(printed).toBe(printOldCursor(cursorOf(during, epoch, message)))
  expect(after.parse(printed)).toMatchObject({ offset: 7 })
  expect(printCursor(cursorOf(after, epoch, message))).not.toBe(printed)
})

test('replicas without a common registry exchange their key encrypted: another JWT secret cannot decrypt it', () => {
  const { current } = testKeys()
  const secret = 'a JWT secret of at least 32 bytes'
  const sealed = sealKey(current, secret)
  const { secret: key, createdAt, newCursorsFrom } = current
  expect(openSealedKey(sealed, secret)).toEqual({ secret: key, createdAt, newCursorsFrom })
  expect(openSealedKey(sealed, `${secret}!`)).toBeUndefined()
  expect(openSealedKey(`${sealed.slice(0, -2)}AA`, secret)).toBeUndefined()
  expect(openSealedKey('', secret)).toBeUndefined()
  expect(Buffer.from(sealed, 'base64url').includes(key)).toBe(false)
  expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain(key.toString('base64url'))
})
