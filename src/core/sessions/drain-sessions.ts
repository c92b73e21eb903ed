import { pause } from '../timing/pause.ts'
import type { Session } from './session.ts'

/** The interval between two steps, in milliseconds. */
const tickMs = 50
/** The share of the window that the pace leaves free, to make up for late steps. */
const slack = 1 / 10
/**
 * Making up must not become a burst: within a slice of this share of the window, at most `maxPeak`
 * times as many sessions end as at an even pace.
 */
const maxPeak = 1.25
const slice = 1 / 10
/**
 * How far a delayed process may run past the window at its pace, at most, in milliseconds; then all
 * remaining sessions end at once.
 */
const maxOverrunMs = 10_000

/**
 * Ends all sessions with `RESTART`, evenly over the window, so that other replicas are not overrun.
 * Oldest first: new sessions may still be catching up, which they would have to start again
 * elsewhere. Among those that are due, sessions without work under way end first, so that the
 * others can flush. Resolves when none is left, or when the signal aborts. The caller opens no
 * session meanwhile.
 */
export async function drain(sessions: ReadonlySet<Session>, overMs: number, signal?: AbortSignal): Promise<void> {
  const { size } = sessions
  const maxInSlice = Math.ceil(maxPeak * slice * size)
  const began = performance.now()
  const recent: { readonly at: number; readonly count: number }[] = []
  let ended = 0
  const isStopped = (): boolean => signal?.aborted === true
  while (sessions.size > 0 && !isStopped()) {
    const now = performance.now()
    if (now - began >= overMs + Math.min(maxOverrunMs, overMs / 4)) {
      for (const session of sessions) session.close('RESTART')
      return
    }
    while (recent[0] && recent[0].at <= now - slice * overMs) recent.shift()
    const inSlice = recent.reduce((sum, { count }) => sum + count, 0)
    const due = 1 + Math.floor((size * (now - began)) / (overMs * (1 - slack))) - ended
    const count = Math.min(due, maxInSlice - inSlice)
    if (count > 0) {
      end(sessions, count)
      ended += count
      recent.push({ at: now, count })
    }
    if (sessions.size > 0) await pause(tickMs, signal)
  }
}

function end(sessions: ReadonlySet<Session>, count: number): void {
  const idle: Session[] = []
  const busy: Session[] = []
  for (const session of sessions) {
    ;(session.busy ? busy : idle).push(session)
    if (idle.length === count) break
  }
  for (const session of [...idle, ...busy].slice(0, count)) session.close('RESTART')
}
