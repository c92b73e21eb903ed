import type { ClusterLedgerResult } from './cluster-ledger.ts'

/** One run of the ledger on one cluster, with a description of the cluster. */
export interface NamedResult {
  readonly rabbitmq: string
  readonly handling: string
  readonly result: ClusterLedgerResult
}

/** Recovery times by kind of fault as a Markdown table, in seconds: median and maximum. */
export function healTable(results: readonly NamedResult[]): string {
  const records = results.flatMap(({ result }) => result.records)
  const kinds = [...new Set(records.map(({ kind }) => kind))].toSorted()
  const rows = kinds.map((kind) => {
    const own = records.filter((record) => record.kind === kind)
    const still = own.flatMap((record) => record.still ?? [])
    const cells = [
      kind,
      String(own.length),
      median(still),
      maximum(still),
      median(own.map(({ stillAfter }) => stillAfter)),
      maximum(own.map(({ stillAfter }) => stillAfter)),
      maximum(own.map(({ unreadyWhileDelivering }) => unreadyWhileDelivering)),
      Math.max(...own.map(({ logLines, minutes }) => logLines / Math.max(1, minutes))).toFixed(0),
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    '| fault | n | still, median | max | after mending, median | max | not ready while delivering, max | log lines a minute, max |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

/** Accepted, received and lost by kind of publisher, as a Markdown table. */
export function publisherTable(results: readonly NamedResult[]): string {
  const sums = new Map<string, number[]>()
  for (const { rabbitmq, result } of results) {
    for (const [kind, balance] of Object.entries(result.kinds)) {
      const name = `${kind} | ${rabbitmq}`
      const { accepted, notStored, received, repeated, storedTwice } = balance
      const sum = sums.get(name) ?? [0, 0, 0, 0, 0]
      sums.set(
        name,
        [accepted, notStored, received, repeated, storedTwice].map((value, index) => value + (sum[index] ?? 0)),
      )
    }
  }
  return [
    '| publisher | RabbitMQ | accepted | not stored | received | again, as documented | stored twice |',
    '|---|---|---|---|---|---|---|',
    ...[...sums].map(([name, values]) => `| ${name} | ${values.join(' | ')} |`),
  ].join('\n')
}

/**
 * A line for each fault: what was accepted from it to the next, and how much of that is not stored.
 */
export function roundTable({ records }: ClusterLedgerResult): string {
  return [
    '| round | fault | confirmed | lost | lost by the shared channel | still | after mending |',
    '|---|---|---|---|---|---|---|',
    ...records.map(({ kind, what, accepted, notStored, notStoredShared, still, stillAfter }, index) => {
      const lost = [notStored, notStoredShared]
      const cells = [index + 1, `${kind} (${what})`, accepted, ...lost, inSeconds(still), inSeconds(stillAfter)]
      return `| ${cells.join(' | ')} |`
    }),
  ].join('\n')
}

function inSeconds(ms: number | undefined): string {
  return ms === undefined ? '–' : `${(ms / 1_000).toFixed(1)} s`
}

function median(values: readonly number[]): string {
  const sorted = values.toSorted((one, other) => one - other)
  return inSeconds(sorted[Math.floor((sorted.length - 1) / 2)])
}

function maximum(values: readonly number[]): string {
  return inSeconds(values.length === 0 ? undefined : Math.max(...values))
}
