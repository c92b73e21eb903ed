/**
 * When messages arrive from the broker: another reader of the stream that Warren tails, which does nothing but look at the clock. Arguments: URL,
 * stream. On SIGUSR2 it begins anew, at its end (SIGTERM) it prints the quantiles in microseconds as JSON.
 */
import { connect } from 'amqplib'

const [, , url = '', stream = ''] = process.argv
const connection = await connect(`${url}?heartbeat=10`, { noDelay: true })
const channel = await connection.createChannel()
await channel.prefetch(1000)
let latencies: number[] = []
await channel.consume(
  stream,
  (message) => {
    if (!message) return
    const now = process.hrtime.bigint()
    const mark = /@(\d{16})#/.exec(message.content.toString('latin1', 0, 64))
    if (mark) latencies.push(Number(now - BigInt(mark[1] ?? 0)) / 1000)
    channel.ack(message)
  },
  { arguments: { 'x-stream-offset': 'next' } },
)
process.on('SIGUSR2', () => {
  latencies = []
})
process.on('SIGTERM', () => {
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
  process.stdout.write(`${JSON.stringify({ count: sorted.length, p50: at(0.5), p99: at(0.99) })}\n`, () =>
    process.exit(0),
  )
})
process.stdout.write('listening 0 0\n')
