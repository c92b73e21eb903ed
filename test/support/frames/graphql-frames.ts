import { connectFrames, type FrameClient, type FrameOptions, textOf } from './frames.ts'
import { Inbox } from './inbox.ts'

/** One execution result, as in the payload of a `next` frame. */
export interface Result {
  readonly data?: Record<string, unknown> | null
  readonly errors?: readonly { readonly message: string; readonly extensions?: Record<string, unknown> }[]
}

export interface Operation {
  readonly id: string
  /** Received results that the test has not taken yet. */
  readonly waiting: readonly Result[]
  next(withinMs?: number): Promise<Result>
  nextMatching(predicate: (result: Result) => boolean, withinMs?: number): Promise<Result>
  /**
   * How the server ended the operation: `complete`, or the errors of an `error` frame. Rejects if
   * the connection closes first.
   */
  readonly ended: Promise<readonly { readonly message: string }[] | 'complete'>
  /** Sends `complete`. */
  stop(): void
}

export interface GraphqlClient extends AsyncDisposable {
  readonly frames: FrameClient
  readonly closed: FrameClient['closed']
  /** Payload of the server's `connection_ack`. */
  readonly acknowledged: unknown
  subscribe(query: string, variables?: Record<string, unknown>, id?: string): Operation
  /**
   * Sends a query or mutation over the socket and resolves to its one result. An `error` frame
   * becomes a result with errors.
   */
  request(query: string, variables?: Record<string, unknown>): Promise<Result>
}

interface ServerFrame {
  readonly type: string
  readonly id?: string
  readonly payload?: unknown
}

const protocol = 'graphql-transport-ws'

/**
 * graphql-transport-ws written by hand, so that a test sees each frame and each close code. For the
 * published client use graphql-ws. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
export async function connectGraphql(
  url: string,
  {
    connectionParams,
    ...options
  }: Omit<FrameOptions, 'protocol'> & { connectionParams?: Record<string, unknown> } = {},
): Promise<GraphqlClient> {
  const frames = await connectFrames(url, { ...options, protocol })
  frames.send({ type: 'connection_init', ...(connectionParams ? { payload: connectionParams } : {}) })
  const ack = JSON.parse(await frames.nextMatching((frame) => kind(frame) === 'connection_ack')) as ServerFrame
  const operations = new Map<string, (frame: ServerFrame) => void>()
  frames.socket.on('message', (data) => {
    const frame = JSON.parse(textOf(data)) as ServerFrame
    if (frame.type === 'ping') frames.send({ type: 'pong' })
    else if (frame.id !== undefined) operations.get(frame.id)?.(frame)
  })
  let count = 0

  const subscribe: GraphqlClient['subscribe'] = (query, variables = {}, id = `op-${++count}`) => {
    const inbox = new Inbox<Result>(`a result of ${id}`)
    const ended = new Promise<readonly { message: string }[] | 'complete'>((resolve, reject) => {
      operations.set(id, (frame) => {
        if (frame.type === 'next') return inbox.push(frame.payload as Result)
        operations.delete(id)
        inbox.end(new Error(`${id} was ended by ${JSON.stringify(frame)}`))
        resolve(frame.type === 'error' ? (frame.payload as { message: string }[]) : 'complete')
      })
      void frames.closed.then(({ code, reason }) => {
        const gone = new Error(`the connection was closed: ${code} ${reason}`)
        inbox.end(gone)
        reject(gone)
      })
    })
    // Most tests do not use `ended`.
    ended.catch(() => {})
    frames.send({ id, type: 'subscribe', payload: { query, variables } })
    return {
      id,
      ended,
      get waiting() {
        return inbox.waiting
      },
      next: (withinMs) => inbox.next(withinMs),
      nextMatching: (predicate, withinMs) => inbox.nextMatching(predicate, withinMs),
      stop() {
        operations.delete(id)
        frames.send({ id, type: 'complete' })
      },
    }
  }

  return {
    frames,
    closed: frames.closed,
    acknowledged: ack.payload,
    subscribe,
    async request(query, variables) {
      const operation = subscribe(query, variables)
      const refused = operation.ended.then((how) => (how === 'complete' ? undefined : { errors: how }))
      const result = await Promise.race([operation.next().catch(() => undefined), refused])
      return result ?? (await refused) ?? operation.next()
    },
    [Symbol.asyncDispose]: () => frames[Symbol.asyncDispose](),
  }
}

function kind(frame: string): string {
  return (JSON.parse(frame) as ServerFrame).type
}
