import { expect } from '@jest/globals'
import { connectFrames, type FrameClient } from '../support/frames/frames.ts'
import type { GatewayProcess } from '../support/gateway/gateway-process.ts'

export interface RoomFrame {
  readonly kind: 'joined' | 'sent' | 'other' | 'processed'
  readonly text: string
}

export async function joinThrough(
  gateway: Pick<GatewayProcess, 'port'>,
): Promise<FrameClient & { nextFrame(): Promise<RoomFrame> }> {
  const client = await connectFrames(`ws://127.0.0.1:${gateway.port}/ws?envelope=json`)
  const nextFrame = async () => JSON.parse(await client.next()) as RoomFrame
  expect(await nextFrame()).toEqual({ kind: 'joined' })
  return Object.assign(client, { nextFrame })
}

/**
 * Collects frames until there are so many of each kind, by kind: a processor may be faster than the
 * confirm of the broker.
 */
export async function gather(
  client: { nextFrame(): Promise<RoomFrame> },
  counts: Partial<Record<RoomFrame['kind'], number>>,
) {
  const texts: Record<RoomFrame['kind'], string[]> = { joined: [], sent: [], other: [], processed: [] }
  const kinds = Object.keys(texts) as RoomFrame['kind'][]
  while (kinds.some((kind) => texts[kind].length < (counts[kind] ?? 0))) {
    const frame = await client.nextFrame()
    texts[frame.kind].push(frame.text)
  }
  return texts
}

export const numbered = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name} ${n}`)
export const open = (url: string) => ({ env: { WARREN_BROKER_URL: url, WARREN_LEGACY_ACCESS: 'open' } })
