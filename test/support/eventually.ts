import { patienceMs } from './patience.ts'

/** Thrown by an attempt that can no longer succeed: `eventually` rejects at once. */
export class Hopeless extends Error {
  override readonly name = 'Hopeless'
}

/**
 * Repeats the attempt until it returns something other than `undefined` or `false`. For changes
 * without an event: a file, a port, a count in another process. An attempt that throws counts as
 * failed and is repeated. `what` completes "Waited 20000 ms in vain for …".
 */
export async function eventually<T>(
  what: string,
  attempt: () => T | Promise<T>,
  { withinMs = patienceMs, everyMs = 25 }: { withinMs?: number; everyMs?: number } = {},
): Promise<Exclude<T, undefined | false>> {
  const deadline = Date.now() + withinMs
  let last: unknown
  do {
    try {
      last = await attempt()
      if (last !== undefined && last !== false) return last as Exclude<T, undefined | false>
    } catch (error) {
      if (error instanceof Hopeless) throw error
      last = error
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  } while (Date.now() < deadline)
  throw new Error(`Waited ${withinMs} ms in vain for ${what}; at last: ${String(last)}`)
}
