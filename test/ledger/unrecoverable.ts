import { printOldCursor } from '../../src/core/model/cursor.ts'
import { connectGraphql } from '../support/frames/graphql-frames.ts'
import { channelQuery } from './clients/transports.ts'

export interface LostCursor {
  readonly what: string
  readonly cursor: string
  /** The reason of the gap that the client must receive. */
  readonly reason: string
}

const answerMs = 15_000

/** Cursors that cannot be resumed, made from a valid one. */
export function lostCursors(good: string): LostCursor[] {
  // Only the gateway can print such positions in the new form. It accepts the old form for as long
  // as the journal keeps messages.
  const cursor = { ...openedCursor(good), fingerprint: 0, before: false }
  const middle = Math.floor(good.length / 2)
  const tampered = good.slice(0, middle) + (good[middle] === 'A' ? 'B' : 'A') + good.slice(middle + 1)
  return [
    { what: 'garbage', cursor: 'not a cursor', reason: 'INVALID_CURSOR' },
    { what: 'tampered with', cursor: tampered, reason: 'INVALID_CURSOR' },
    {
      what: 'of another deployment',
      cursor: printOldCursor({ ...cursor, epoch: 'feedfacefeedface' }),
      reason: 'JOURNAL_REPLACED',
    },
    {
      what: 'from the future',
      cursor: printOldCursor({ ...cursor, offset: cursor.offset + 1_000_000 }),
      reason: 'JOURNAL_REPLACED',
    },
  ]
}

/** What a cursor contains in clear text. */
export function openedCursor(cursor: string): { readonly epoch: string; readonly offset: number } {
  const bytes = Buffer.from(cursor, 'base64url')
  return { epoch: bytes.toString('hex', 1, 9), offset: Number(bytes.readBigInt64BE(9)) }
}

/**
 * The reason of the gap with which a subscription after the cursor begins, or what arrived in its
 * place.
 */
export async function answerTo(port: number, token: string, clientId: string, after: string): Promise<string> {
  await using client = await connectGraphql(`ws://127.0.0.1:${port}/graphql`, { connectionParams: { token } })
  const { data } = await client.subscribe(channelQuery, { clientId, after }).next(answerMs)
  const event = data?.['channel'] as { kind: string; gap: { reason: string } | null } | undefined
  return event?.gap?.reason ?? event?.kind ?? 'nothing'
}
