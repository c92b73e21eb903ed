/**
 * How often a mark is written to an idle journal, in milliseconds. A mark shows liveness and lag,
 * and is a fresh position for channels without messages. A busy journal needs none. Of several
 * replicas, the first that notices the idle journal writes the mark for all.
 */
export const markIntervalMs = 1_000

/**
 * Calls `mark` whenever the journal was idle for an interval, by `recentlyActive`. Returns a
 * function that stops it.
 */
export function markEvery(recentlyActive: () => boolean, mark: () => void): () => void {
  const timer = setInterval(() => {
    if (!recentlyActive()) mark()
  }, markIntervalMs)
  timer.unref()
  return () => clearInterval(timer)
}
