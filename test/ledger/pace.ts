/**
 * The most of these times inside any `sliceMs`, as a multiple of an even pace over the window.
 * Times are in milliseconds, in order.
 */
export function peakOf(times: readonly number[], { windowMs, sliceMs }: { windowMs: number; sliceMs: number }): number {
  let most = 0
  for (let first = 0, last = 0; last < times.length; last += 1) {
    while ((times[last] as number) - (times[first] as number) >= sliceMs) first += 1
    most = Math.max(most, last - first + 1)
  }
  return most / sliceMs / (times.length / windowMs)
}

/** When a gateway ended sessions because of its shutdown, by its own clock, from its JSON log. */
export function endsForRestart(output: string): number[] {
  const lines = output.split('\n').filter((line) => line.includes('"a session ended"'))
  const ends = lines.map((line) => JSON.parse(line) as { readonly time: string; readonly reason: string })
  return ends.flatMap(({ time, reason }) => (reason === 'restart' ? [Date.parse(time)] : [])).sort((a, b) => a - b)
}
