import { connectFrames, type FrameClient, type FrameOptions } from '../support/frames/frames.ts'

/** `ws://…/socketcluster/` of a gateway at `http://…`. */
export function socketClusterUrl(url: string, query = ''): string {
  return `${url.replace(/^http/, 'ws')}/socketcluster/${query}`
}

/** Frames as the old clients write them, letter by letter, because the tests pin their format. */
export const golden = {
  /** `json.dumps(…, sort_keys=True)`: spaces, and keys in alphabetical order. */
  python: (packet: { cid?: number; data: unknown; event: string }): string => {
    const spaced = JSON.stringify(sorted(packet), null, 1).replace(/\n\s*/g, ' ')
    return spaced.replaceAll('{ ', '{').replaceAll(' }', '}').replaceAll('[ ', '[').replaceAll(' ]', ']')
  },
  /** org.json: the order of a HashMap, without null members. */
  java: ({ cid, data, event }: { cid?: number; data: unknown; event: string }): string =>
    JSON.stringify({ data, event, cid }),
  /** Jackson keeps the order, as JavaScript does. */
  javaScript: ({ cid, data, event }: { cid?: number; data: unknown; event: string }): string =>
    JSON.stringify({ event, data, cid }),
} as const

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => [key, sorted(item)])
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)))
}

export interface RawClient extends AsyncDisposable {
  readonly frames: FrameClient
  /** The parsed frame that answers this call. */
  answer(rid: number | string): Promise<Answer>
  /** The next frame with this event, parsed. */
  event(name: string): Promise<{ event: string; data?: unknown }>
  /** Sends a packet and waits for its answer. */
  call(event: string, data?: unknown): Promise<Answer>
}

export interface Answer {
  readonly rid: number | string
  readonly data?: unknown
  readonly error?: { readonly name: string; readonly message: string; readonly field?: string; readonly limit?: string }
}

/** A WebSocket that sends nothing by itself. */
export async function connectRaw(url: string, options?: FrameOptions): Promise<RawClient> {
  const frames = await connectFrames(url, options)
  let cid = 1_000
  const packet = (text: string) =>
    text.startsWith('{') ? (JSON.parse(text) as { rid?: unknown; event?: unknown }) : {}
  const answer = async (rid: number | string) =>
    JSON.parse(await frames.nextMatching((text) => packet(text).rid === rid)) as Answer
  return {
    frames,
    answer,
    event: async (name) =>
      JSON.parse(await frames.nextMatching((text) => packet(text).event === name)) as { event: string },
    call(event, data) {
      cid += 1
      frames.send({ event, data, cid })
      return answer(cid)
    },
    [Symbol.asyncDispose]: () => frames[Symbol.asyncDispose](),
  }
}

/** Connected, with a completed handshake. */
export async function shakeHands(url: string, authToken: string | null = null): Promise<RawClient> {
  const client = await connectRaw(url)
  client.frames.send(golden.javaScript({ event: '#handshake', data: { authToken }, cid: 1 }))
  await client.answer(1)
  return client
}
