import { pause } from '../timing/pause.ts'
import type { Session } from './session.ts'

/** How often sessions are ended, in milliseconds. */
const tickMs = 50
/** The pace leaves this share of the window to make up for turns that came late. */
const slack = 1 / 10
/**
 * Making up must not become a burst: so much of what an even pace would end, within a slice of this
 * share of the window.
 */
const maxPeak = 1.25
const slice = 1 / 10
/**
 * How long beyond the window a process that was held up may go on at its pace, at most, in
 * milliseconds; what is left then ends at once.
 */
const maxOverrunMs = 10_000

/**
 * Ends all sessions with `RESTART`, evenly over the window, so that other replicas are not stormed.
 * Oldest first: those that came last may still be catching up, which they would have to begin anew
 * elsewhere. Of those that are due, the ones with something under way wait for the others, so that
 * it is flushed. Resolves when none is left; no session may be opened meanwhile.
 */
export async function drain(sessions: ReadonlySet<Session>, overMs: number): Promise<void> {
  const { size } = sessions
  const maxInSlice = Math.ceil(maxPeak * slice * size)
  const began = performance.now()
  const hotWindow: { readonly at: number; readonly count: number }[] = []
  let ended = 0
  while (sessions.size > 0) {
    const now = performance.now()
    if (now - began >= overMs + Math.min(maxOverrunMs, overMs / 4)) {
      for (const session of sessions) session.close('RESTART')
      return
    }
    while (hotWindow[0] && hotWindow[0].at <= now - slice * overMs) hotWindow.shift()
    const inSlice = hotWindow.reduce((sum, { count }) => sum + count, 0)
    const due = 1 + Math.floor((size * (now - began)) / (overMs * (1 - slack))) - ended
    const count = Math.min(due, maxInSlice - inSlice)
    if (count > 0) {
      end(sessions, count)
      ended += count
      hotWindow.push({ at: now, count })
    }
    if (sessions.size > 0) await pause(tickMs)
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
