import type { ScaleRow } from './full-machine.ts'

/** The table of all steps, and what a client of the last one costs beside one of the first. */
export function printScale(rows: readonly ScaleRow[]): string {
  const [first] = rows
  const last = rows.at(-1)
  const lines = [
    '| clients | connects a second | KiB a client, processes | kernel | one message to all: first, ms | median | last |',
    '|---|---|---|---|---|---|---|',
    ...rows.map((row) => {
      const { clients, connectsPerSecond, processKib, kernelKib, firstMs, medianMs, lastMs } = row
      const times = [firstMs, medianMs, lastMs].map((ms) => ms.toFixed(ms < 10 ? 1 : 0))
      return `| ${clients.toLocaleString('en')} | ${Math.round(connectsPerSecond)} | ${processKib.toFixed(1)} | ${kernelKib.toFixed(1)} | ${times.join(' | ')} |`
    }),
  ]
  if (first && last && first !== last) {
    const ratio = last.lastMs / last.clients / (first.lastMs / first.clients)
    lines.push('', `last client of a message, for each client: ${ratio.toFixed(2)} of what it is with ${first.clients}`)
  }
  return `${lines.join('\n')}\n`
}
