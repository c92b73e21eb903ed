/**
 * How often an idle journal is given a mark, in milliseconds: it shows liveness and lag, and is a
 * fresh position for channels on which nothing happens. A busy journal needs none, and of several
 * replicas the first to notice the silence ends it for all.
 */
export const markIntervalMs = 1_000

/**
 * Calls `mark` whenever the journal was silent for an interval; `recentlyActive` tells. Returns how
 * to stop.
 */
export function markEvery(recentlyActive: () => boolean, mark: () => void): () => void {
  const timer = setInterval(() => {
    if (!recentlyActive()) mark()
  }, markIntervalMs)
  timer.unref()
  return () => clearInterval(timer)
}
