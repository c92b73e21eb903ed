/**
 * Resolves when the promise has settled, one way or the other, or when the time is up: for closing
 * what may have frozen.
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
