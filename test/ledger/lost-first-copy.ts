import type { LedgerEvent, Receipt } from './accounts.ts'

/** One process of a replica. A restarted replica is another one on the same port. */
export interface ReplicaLog {
  readonly port: number
  /** When it was started, in milliseconds since the epoch. */
  readonly since: number
  /** Its log, one JSON object a line. */
  output(): string
}

/** What a replica logs when retention overtakes its tail: it read nothing between the two offsets. */
interface Overtaken {
  readonly epoch: string
  readonly after: number
  readonly before: number
}

/**
 * Whether a number that came twice is the one case that docs/delivery.md allows (Storms and
 * retention): the replica that delivered the second copy logged that retention overtook its tail at
 * the first copy, and the client received the gap between the two.
 */
export function lacksFirstCopy(events: readonly LedgerEvent[], number: number, logs: readonly ReplicaLog[]): boolean {
  const copies = events.flatMap((event, index) => (event.kind === 'event' && event.number === number ? [index] : []))
  return copies.slice(1).every((second) =>
    copies
      .filter((first) => first < second)
      .every((first) => {
        const [one, other] = [placeOf(events[first]), placeOf(events[second])]
        const hasGap = events.slice(first, second).some((event) => event.kind === 'gap' && event.reason === 'RETENTION')
        return hasGap && one && other && one.epoch === other.epoch && wasNotRead(one, logOf(other, logs))
      }),
  )
}

function placeOf(event: LedgerEvent | undefined): Receipt | undefined {
  return event?.kind === 'event' ? event.receipt : undefined
}

/** The process that delivered it. */
function logOf({ port, at }: Receipt, logs: readonly ReplicaLog[]): ReplicaLog | undefined {
  return logs
    .filter((log) => log.port === port && log.since <= at)
    .toSorted((one, other) => one.since - other.since)
    .at(-1)
}

function wasNotRead({ epoch, offset }: Receipt, log: ReplicaLog | undefined): boolean {
  return overtakenIn(log?.output() ?? '').some(
    (report) => report.epoch === epoch && report.after < offset && offset < report.before,
  )
}

function overtakenIn(output: string): Overtaken[] {
  return output
    .split('\n')
    .filter((line) => line.includes('retention deleted messages that the tail had not read'))
    .map((line) => JSON.parse(line) as Overtaken)
}
