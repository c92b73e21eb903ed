/**
 * Resolves when the promise has settled, or after `ms` milliseconds; it never rejects. For closing
 * a peer that may have frozen.
 */
export async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([promise.then(nothing, nothing), timeUp])
  clearTimeout(timer)
}

function nothing(): void {}

/** Settles like the promise, or rejects with `late()` after `ms` milliseconds. */
export async function withDeadline<Result>(ms: number, promise: Promise<Result>, late: () => Error): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const timeUp = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), ms)
  })
  try {
    return await Promise.race([promise, timeUp])
  } finally {
    clearTimeout(timer)
  }
}
