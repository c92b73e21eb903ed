import { connect, type Socket } from 'node:net'
import { WebSocket } from 'ws'
import { errorText } from '../../core/model/error-text.ts'
import { withDeadline } from '../../core/timing/deadline.ts'
import { headOf, TcpFrameReader } from '../../transports/tcp/framing.ts'

/** An open connection. */
export interface ProbeConnection {
  /**
   * Sends the payload and resolves when the expected answer has arrived. Rejects with the reason
   * otherwise. One call at a time.
   */
  roundTrip(payload: Buffer): Promise<void>
  close(): void
}

export interface Target {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly token: string | undefined
  readonly timeoutMs: number
}

export type Open = () => Promise<ProbeConnection>
export const protocols = { echo, framed, websocket } as const satisfies Record<string, (target: Target) => Open>
export type Protocol = keyof typeof protocols

/** The answer that a round trip waits for. `fail` is also called when the connection closes. */
class PendingAnswer {
  #resolve: () => void = () => {}
  #reject: (error: Error) => void = () => {}
  #failure: Error | undefined

  async until(timeoutMs: number, send: () => void): Promise<void> {
    if (this.#failure) throw this.#failure
    const done = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    send()
    await withDeadline(timeoutMs, done, () => new Error('no answer in time'))
  }

  readonly done = (): void => this.#resolve()

  fail(reason: string): void {
    this.#failure ??= new Error(reason)
    this.#reject(this.#failure)
  }
}

async function openSocket({ host, port, timeoutMs }: Target, pending: PendingAnswer): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true })
  socket.on('error', (error: NodeJS.ErrnoException) => pending.fail(error.code ?? error.message))
  socket.on('close', () => pending.fail('closed by the peer'))
  try {
    await pending.until(timeoutMs, () => socket.once('connect', pending.done))
  } catch (error) {
    socket.destroy()
    throw error
  }
  return socket
}

/** The answer is the payload, byte for byte, in pieces of any size. */
function echo(target: Target): Open {
  return async () => {
    const pending = new PendingAnswer()
    const socket = await openSocket(target, pending)
    let expected: Buffer = Buffer.alloc(0)
    socket.on('data', (piece: Buffer) => {
      if (!piece.equals(expected.subarray(0, piece.length))) return pending.fail('other bytes came back')
      expected = expected.subarray(piece.length)
      if (expected.length === 0) pending.done()
    })
    return {
      roundTrip: (payload) =>
        pending.until(target.timeoutMs, () => {
          expected = payload
          socket.write(payload)
        }),
      close: () => socket.destroy(),
    }
  }
}

/** Binary requests. The framed protocol answers with their first bytes. */
function framed(target: Target): Open {
  const type = { 'content-encoding': 'binary', 'content-type': 'binary/custom-client-binary-type' }
  return async () => {
    const pending = new PendingAnswer()
    const socket = await openSocket(target, pending)
    const reader = new TcpFrameReader(() => 64 * 1024 * 1024)
    let expected: Buffer | undefined
    socket.on('data', (piece: Buffer) => {
      try {
        reader.push(piece)
        for (let frame = reader.next(); frame; frame = reader.next()) {
          const text = frame.content.toString()
          if (frame.header.contentType === 'text/json') {
            if (text.includes('"kind":"ping"')) socket.write(request('{"action":"pong"}'))
            else if (text.includes('"error"')) pending.fail(text)
            else pending.done()
          } else if (expected && frame.content.equals(expected)) pending.done()
          else pending.fail('unexpected answer')
        }
      } catch (error) {
        pending.fail(errorText(error))
      }
    })
    if (target.token !== undefined) {
      const { token } = target
      await pending.until(target.timeoutMs, () =>
        socket.write(request(JSON.stringify({ action: 'authenticate', token }))),
      )
    } else {
      // Else the gateway ends the connection if the next request comes a second after an answer.
      socket.write(request('{"action":"pong"}'))
    }
    return {
      roundTrip: (payload) =>
        pending.until(target.timeoutMs, () => {
          expected = Buffer.concat([Buffer.from('First 10 bytes of request: '), payload.subarray(0, 10)])
          socket.write(Buffer.concat([Buffer.from(headOf(type, payload.length), 'latin1'), payload]))
        }),
      close: () => socket.destroy(),
    }
  }
}

function request(json: string): Buffer {
  const content = Buffer.from(json)
  const head = headOf({ 'content-type': 'text/json', 'content-encoding': 'utf-8' }, content.length)
  return Buffer.concat([Buffer.from(head, 'latin1'), content])
}

/** WebSocket pings (RFC 6455 §5.5.2). A pong carries the payload of its ping. */
function websocket({ host, port, path, token, timeoutMs }: Target): Open {
  const query = token === undefined ? '' : `${path.includes('?') ? '&' : '?'}token=${token}`
  const url = `ws://${host.includes(':') ? `[${host}]` : host}:${port}${path}${query}`
  return async () => {
    const pending = new PendingAnswer()
    const socket = new WebSocket(url, { perMessageDeflate: false })
    let expected: Buffer = Buffer.alloc(0)
    socket.on('error', (error) => pending.fail(error.message))
    socket.on('close', (code) => pending.fail(`closed with ${code}`))
    socket.on('pong', (data) => (data.equals(expected) ? pending.done() : pending.fail('other bytes came back')))
    try {
      await pending.until(timeoutMs, () => socket.once('open', pending.done))
    } catch (error) {
      socket.terminate()
      throw error
    }
    return {
      roundTrip: (payload) =>
        pending.until(timeoutMs, () => {
          expected = payload
          socket.ping(payload)
        }),
      close: () => socket.terminate(),
    }
  }
}
