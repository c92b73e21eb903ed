import { pause } from '../../../core/timing/pause.ts'

/** Where the clients of the demo connect, and their tokens. */
export interface DemoGateway {
  /** `http://127.0.0.1:4000`, without a slash at the end. */
  readonly url: string
  readonly tcpPort: number | 'off'
  /** A fresh token for the client's own channel and all events. */
  readonly token: (clientId: string) => Promise<string>
}

/** Resolves when the connection has ended. It ends the connection when the signal aborts. */
export type Connect = (gateway: DemoGateway, signal: AbortSignal) => Promise<void>

/** The pause before a client connects again, in milliseconds. */
const againMs = 1_000

/** Keeps a client connected until the signal aborts. Never rejects. */
export async function stayConnected(connect: Connect, gateway: DemoGateway, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await connect(gateway, signal).catch(() => undefined)
    await pause(againMs, signal)
  }
}

export interface Shift {
  readonly startMs: number
  readonly onlineMs: number
  readonly offlineMs: number
}

/** As `stayConnected`, but the client is away again and again. */
export async function comeAndGo(
  connect: Connect,
  gateway: DemoGateway,
  shift: Shift,
  signal: AbortSignal,
): Promise<void> {
  await pause(shift.startMs, signal)
  while (!signal.aborted) {
    const leaving = new AbortController()
    const leave = () => leaving.abort()
    signal.addEventListener('abort', leave)
    const connected = stayConnected(connect, gateway, leaving.signal)
    await pause(shift.onlineMs, signal)
    leave()
    signal.removeEventListener('abort', leave)
    await connected
    await pause(shift.offlineMs, signal)
  }
}
