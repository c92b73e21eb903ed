import amqp from 'amqplib'
import { CarefulPublisher } from '../careful-publisher.ts'
import { journal } from './cluster-nodes.ts'

export interface JournalEntry {
  readonly offset: number
  readonly number: number
}

export interface JournalContent {
  readonly byClient: ReadonlyMap<string, readonly JournalEntry[]>
  /** The offset up to which it was read. */
  readonly end: number
}

const prefetch = 500
const silentMs = 30_000

/** Reads all messages of the journal without Warren, up to a message that is published now. */
export async function readJournal(urls: readonly string[]): Promise<JournalContent> {
  const marker = `marker-${process.pid}-${Date.now()}`
  const publisher = new CarefulPublisher(urls, { answerMs: 5_000 })
  await publisher.publish({
    exchange: 'warren.events',
    routingKey: 'client.ledger-marker',
    body: Buffer.from(JSON.stringify({ marker })),
    messageId: marker,
  })
  await publisher.close()
  let failure: unknown
  for (const url of [...urls, ...urls]) {
    try {
      return await readTo(url, marker)
    } catch (error) {
      failure = error
    }
  }
  throw new Error(`The journal could not be read from any node: ${String(failure)}`, { cause: failure })
}

async function readTo(url: string, marker: string): Promise<JournalContent> {
  const connection = await amqp.connect(url, { noDelay: true, timeout: 5_000 })
  const byClient = new Map<string, JournalEntry[]>()
  let silence: NodeJS.Timeout | undefined
  let isRead = false
  try {
    return await new Promise<JournalContent>((resolve, reject) => {
      connection.on('error', reject)
      connection.on('close', () => reject(new Error('the connection was closed')))
      const alive = (): void => {
        clearTimeout(silence)
        // Messages go on to come behind the marker, until the connection is closed.
        if (isRead) return
        silence = setTimeout(() => reject(new Error(`no message came for ${silentMs} ms`)), silentMs)
      }
      const read = async (): Promise<void> => {
        const channel = await connection.createChannel()
        channel.on('error', reject)
        await channel.prefetch(prefetch)
        let unacknowledged = 0
        alive()
        await channel.consume(
          journal,
          (message) => {
            if (!message) return reject(new Error('the consumer was cancelled'))
            unacknowledged += 1
            if (unacknowledged >= prefetch / 4) {
              unacknowledged = 0
              channel.ack(message, true)
              alive()
            }
            const offset = Number(message.properties.headers?.['x-stream-offset'])
            const body = parsed(message.content)
            if (body?.marker === marker) {
              isRead = true
              clearTimeout(silence)
              resolve({ byClient, end: offset })
            } else if (body?.client !== undefined && body.number !== undefined) {
              const entries = byClient.get(body.client)
              const entry = { offset, number: body.number }
              if (entries) entries.push(entry)
              else byClient.set(body.client, [entry])
            }
          },
          { arguments: { 'x-stream-offset': 'first' } },
        )
      }
      read().catch(reject)
    })
  } finally {
    isRead = true
    clearTimeout(silence)
    await connection.close().catch(() => {})
  }
}

function parsed(content: Buffer): { client?: string; number?: number; marker?: string } | undefined {
  try {
    return JSON.parse(content.toString()) as { client?: string; number?: number; marker?: string }
  } catch {
    return undefined
  }
}
