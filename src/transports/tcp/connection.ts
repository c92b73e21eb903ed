import type { Socket } from 'node:net'
import type { Feed } from '../../core/feed.ts'
import { latin1Of } from '../../core/latin1.ts'
import type { SessionEnd } from '../../core/observer.ts'
import { printJson } from '../../core/print-json.ts'
import type { Session } from '../../core/session.ts'
import { badInput, type CloseReason, closeReasons, GatewayError } from '../../errors.ts'
import { Attention } from '../attention.ts'
import { eventJson } from '../event-json.ts'
import { Outbox } from '../outbox.ts'
import { commands, type Desk } from './commands.ts'
import { isJson, readJson } from './content.ts'
import type { FramedTcpOptions } from './framed-listener.ts'
import { binaryFrame, type Frame, FrameReader, jsonFrame } from './framing.ts'

/** Requests that may be under way on a connection; past it nothing is read from it. */
const maxUnderWay = 64
/** What a peer is given to take the last frame, in milliseconds. */
const lingerMs = 1_000

/** One connection of the framed protocol, from its first byte to its last. */
export class FramedConnection {
  readonly #socket: Socket
  readonly #options: FramedTcpOptions
  readonly #session: Session
  readonly #desk: Desk
  readonly #outbox: Outbox
  readonly #attention: Attention
  readonly #reader: FrameReader
  readonly #acceptedAt = Date.now()
  #heardAt = Date.now()
  /** When the frame began that has not come to its end. */
  #frameSince: number | undefined
  /** When it was asked last whether it is still there: nobody is found silent who was not. */
  #pingedAt = 0
  #closing = false
  #underWay = 0
  readonly #piped = new WeakSet<Feed>()
  /** Commands begin one after another, but for a `publish`, which nothing behind it waits for. */
  #turn: Promise<void> = Promise.resolve()
  /** Answers leave in the order of their requests. */
  #answers: Promise<void> = Promise.resolve()

  /** Throws `LIMIT_EXCEEDED` where there are too many. */
  constructor(socket: Socket, options: FramedTcpOptions, onClosed: (connection: FramedConnection) => void) {
    this.#socket = socket
    this.#options = options
    this.#session = options.gateway.openSession({
      identity: options.stranger,
      transport: 'tcp',
      address: socket.remoteAddress,
      onClose: (reason) => this.#close(reason),
    })
    this.#desk = { ...options, session: this.#session, feeds: new Map() }
    this.#outbox = new Outbox({ socket, isOpen: () => socket.writable, outboxes: options.outboxes })
    this.#attention = new Attention(socket)
    this.#reader = new FrameReader(options.maxMessageBytes)
    socket.on('data', (piece: Buffer) => this.#receive(piece))
    // Who has said all gets the answers that it waits for, and the end.
    socket.once('end', () => void this.#afterAnswers(() => this.#end('client')))
    socket.once('close', () => {
      this.#outbox.close()
      this.#session.end('lost')
      onClosed(this)
    })
  }

  /** Called every now and then. */
  tick(now: number): void {
    if (this.#closing) return
    const { authTimeoutMs, requestTimeoutMs, idleTimeoutMs, stranger } = this.#options
    // It is we who don't listen.
    if (this.#underWay >= maxUnderWay) {
      this.#heardAt = now
      if (this.#frameSince !== undefined) this.#frameSince = now
    }
    const unansweredMs = this.#pingedAt > this.#heardAt ? now - this.#pingedAt : 0
    if (unansweredMs >= idleTimeoutMs / 2) {
      this.#session.end('lost')
      this.#socket.destroy()
      return
    }
    if (this.#frameSince !== undefined && now - this.#frameSince >= requestTimeoutMs)
      return this.#refuse(
        new GatewayError('BAD_USER_INPUT', `the frame was not complete within ${requestTimeoutMs} ms`),
      )
    const unknown = this.#session.identity === stranger && !this.#options.strangersMayStay
    if (unknown && now - this.#acceptedAt >= authTimeoutMs) return this.#session.close('UNAUTHORIZED')
    if (unansweredMs === 0 && now - this.#heardAt >= idleTimeoutMs / 2) {
      this.#pingedAt = now
      this.#outbox.push(jsonFrame('{"kind":"ping"}'))
    }
  }

  #receive(piece: Buffer): void {
    this.#heardAt = Date.now()
    if (this.#closing) return
    this.#reader.push(piece)
    try {
      for (let frame = this.#reader.next(); frame; frame = this.#reader.next()) this.#begin(frame)
      this.#frameSince = this.#reader.inFrame ? (this.#frameSince ?? this.#heardAt) : undefined
    } catch (error) {
      this.#refuse(error)
    }
  }

  #begin(frame: Frame): void {
    this.#underWay += 1
    if (this.#underWay === maxUnderWay) this.#socket.pause()
    const { request, unreadable } = requestOf(frame)
    const { action, id } = request
    const about = { ...(typeof action === 'string' ? { action } : {}), ...(id === undefined ? {} : { id }) }
    const answered = this.#turn.then(async () => {
      // It asks for nothing: to be heard is what it is for.
      if (action === 'pong') return undefined
      this.#session.admit()
      if (unreadable !== undefined) throw unreadable
      if (!isJson(frame)) return binaryAnswer(frame)
      return textFrame({ ...about, result: await this.#run(request) })
    })
    if (action !== 'publish') this.#turn = settled(answered)
    this.#answerWith(
      answered.catch((error: unknown) => textFrame({ ...about, error: this.#told(error) })),
      action === 'subscribe' ? () => this.#pipe(request['channel']) : undefined,
    )
  }

  async #run(request: Record<string, unknown>): Promise<unknown> {
    const { action } = request
    const command = typeof action === 'string' ? commands.get(action) : undefined
    if (!command) throw badInput('action', `expected one of ${[...commands.keys()].join(', ')}`)
    return this.#session.during(command(this.#desk, request))
  }

  #answerWith(answered: Promise<Buffer | undefined>, then?: () => void): void {
    this.#answers = this.#answers.then(async () => {
      const frame = await answered
      this.#underWay -= 1
      if (this.#underWay === maxUnderWay - 1) this.#socket.resume()
      if (this.#closing) return
      if (frame && this.#socket.writable) {
        this.#outbox.flush()
        this.#socket.write(frame, this.#attention.sending(frame.length))
      }
      then?.()
    })
  }

  /** Events flow behind the answer that says they will. */
  #pipe(channel: unknown): void {
    const feed = typeof channel === 'string' ? this.#desk.feeds.get(channel) : undefined
    if (!feed || this.#piped.has(feed)) return
    this.#piped.add(feed)
    const outbox = this.#outbox
    feed.pipe({
      take: (event) => {
        if (!outbox.hasRoom) {
          outbox.whenRoom(feed)
          return false
        }
        outbox.push(jsonFrame(eventJson(event, feed.channel)))
        return true
      },
      end: (failure) => {
        if (!failure) return
        const { code, message } = failure
        outbox.push(
          jsonFrame(latin1Of(JSON.stringify({ channel: feed.channel, kind: 'end', error: { code, message } }))),
        )
      },
    })
  }
  #told(error: unknown): object {
    if (!(error instanceof GatewayError)) {
      this.#options.log('a request over TCP failed in a way that was not foreseen', {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      })
      return { code: 'INTERNAL_SERVER_ERROR', message: 'Unexpected error' }
    }
    this.#options.onRefusal(error.code)
    const { code, message, field, limit } = error
    return { code, message, field, limit }
  }

  /** What came is no frame, or too much of one: nobody knows where the next begins. */
  #refuse(error: unknown): void {
    this.#outbox.push(jsonFrame(latin1Of(JSON.stringify({ error: this.#told(error) }))))
    this.#session.close('BAD_REQUEST')
  }

  #close(reason: CloseReason): void {
    const { text, comeBack, graphqlWs } = closeReasons[reason]
    this.#outbox.push(jsonFrame(JSON.stringify({ kind: 'close', reason, code: graphqlWs, comeBack, text })))
    this.#end()
  }

  /** `why`: the peer's doing. What it still sends is read and dropped: a connection that is closed on a peer which sends loses the last frame. */
  #end(why?: SessionEnd): void {
    if (this.#closing) return
    this.#closing = true
    if (why) this.#session.end(why)
    this.#outbox.flush()
    this.#socket.end()
    this.#socket.resume()
    const timer = setTimeout(() => this.#socket.destroy(), lingerMs)
    this.#socket.once('close', () => clearTimeout(timer))
  }

  async #afterAnswers(then: () => void): Promise<void> {
    await this.#answers
    then()
  }
}

/** What cannot be read is answered in its turn, and says nothing about what comes behind it. */
function requestOf(frame: Frame): { request: Record<string, unknown>; unreadable?: unknown } {
  if (!isJson(frame)) return { request: {} }
  try {
    return { request: readJson(frame) }
  } catch (unreadable) {
    return { request: {}, unreadable }
  }
}

/** As the old server answered whatever it did not know. */
function binaryAnswer({ content }: Frame): Buffer {
  const answer = Buffer.concat([Buffer.from('First 10 bytes of request: '), content.subarray(0, 10)])
  return binaryFrame('binary/custom-server-binary-type', answer)
}

function textFrame(answer: object): Buffer {
  return Buffer.from(jsonFrame(latin1Of(printJson(answer) ?? '{}')), 'latin1')
}

async function settled(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined)
}
