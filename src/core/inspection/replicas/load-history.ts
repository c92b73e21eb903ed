import type { Gathering } from '../../cluster/gathering.ts'
import { listOf, numberOf } from '../../cluster/wire-values.ts'

/** How many points each span has. */
const points = 360
/** The spans and the length of their points, in milliseconds. */
export const historySpans = {
  hour: { stepMs: 10_000 },
  day: { stepMs: 240_000 },
} as const
export type HistorySpan = keyof typeof historySpans

/** Totals since the start, as `ReplicaInspector` samples them every few seconds. */
export interface LoadTotals {
  readonly received: number
  readonly delivered: number
  readonly dropped: number
  readonly sessions: number
}

/** A point of one replica. `slot`: its time, divided by the length of a point. */
type Row = readonly [slot: number, received: number, delivered: number, dropped: number, sessions: number]

/** Rates are per second. A replica receives the whole journal, so `received` is the highest. */
export interface LoadPoint {
  /** Its beginning, in milliseconds since the epoch. */
  readonly at: number
  readonly received: number
  readonly delivered: number
  readonly dropped: number
  readonly sessions: number
  /** How many replicas have reported this time. */
  readonly replicas: number
}

export interface LoadHistoryPage {
  readonly stepMs: number
  /** Oldest first; times without a report are missing. */
  readonly points: readonly LoadPoint[]
  readonly unanswered: readonly string[]
}

const columns = 5

/** The last points of one span: a ring of 14 KiB. */
class Ring {
  readonly #stepMs: number
  readonly #cells = new Float64Array(points * columns)
  #slot: number | undefined
  #begunAt = 0
  #begun: LoadTotals | undefined

  constructor(stepMs: number) {
    this.#stepMs = stepMs
  }

  add(now: number, totals: LoadTotals): void {
    const slot = Math.floor(now / this.#stepMs)
    if (slot === this.#slot) return
    if (this.#slot !== undefined && this.#begun && now > this.#begunAt) {
      const seconds = (now - this.#begunAt) / 1_000
      const { received, delivered, dropped } = this.#begun
      const rates = [totals.received - received, totals.delivered - delivered, totals.dropped - dropped]
      this.#cells.set(
        [this.#slot, ...rates.map((sum) => sum / seconds), totals.sessions],
        (this.#slot % points) * columns,
      )
    }
    this.#slot = slot
    this.#begunAt = now
    this.#begun = totals
  }

  rows(now: number): Row[] {
    const oldest = Math.floor(now / this.#stepMs) - points
    const rows: Row[] = []
    for (let at = 0; at < this.#cells.length; at += columns) {
      const [slot = 0, received = 0, delivered = 0, dropped = 0, sessions = 0] = this.#cells.subarray(at, at + columns)
      if (slot > oldest) rows.push([slot, received, delivered, dropped, sessions])
    }
    return rows
  }
}

/**
 * Rates of the last hour and of the last day, in two rings of each replica. A sample costs one
 * comparison a ring, and a point every ten seconds five numbers. Lost with the process.
 */
export class LoadHistory {
  readonly #gathering: Gathering
  readonly #rings = { hour: new Ring(historySpans.hour.stepMs), day: new Ring(historySpans.day.stepMs) }

  constructor(gathering: Gathering) {
    this.#gathering = gathering
    gathering.answer('history', (span) => (span === 'hour' || span === 'day' ? this.#rings[span].rows(Date.now()) : []))
  }

  /** Called every few seconds. */
  add(totals: LoadTotals, now = Date.now()): void {
    for (const ring of Object.values(this.#rings)) ring.add(now, totals)
  }

  /**
   * Of all replicas that answer in time. `since`, in milliseconds since the epoch: only points that
   * begin then or later.
   */
  async read(span: HistorySpan, since = 0): Promise<LoadHistoryPage> {
    const { stepMs } = historySpans[span]
    const { answers, unanswered } = await this.#gathering.ask('history', span, readRows)
    const bySlot = new Map<number, LoadPoint>()
    for (const [slot, received, delivered, dropped, sessions] of answers.flatMap(({ value }) => value)) {
      if (slot * stepMs < since) continue
      const known = bySlot.get(slot)
      bySlot.set(slot, {
        at: slot * stepMs,
        received: Math.max(received, known?.received ?? 0),
        delivered: delivered + (known?.delivered ?? 0),
        dropped: dropped + (known?.dropped ?? 0),
        sessions: sessions + (known?.sessions ?? 0),
        replicas: 1 + (known?.replicas ?? 0),
      })
    }
    return { stepMs, points: [...bySlot.values()].toSorted((one, other) => one.at - other.at), unanswered }
  }
}

function readRows(value: unknown): Row[] {
  return listOf(value, points).map((row) => {
    const [slot = 0, received = 0, delivered = 0, dropped = 0, sessions = 0] = listOf(row, columns).map(numberOf)
    return [slot, received, delivered, dropped, sessions]
  })
}
