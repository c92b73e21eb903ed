import type { Session } from './session.ts'

/** How often sessions are ended, in milliseconds. */
const tickMs = 50
/** The pace leaves this share of the window to make up for turns that came late. */
const slack = 1 / 10
/** A turn that comes late makes up for so much of its delay and no more, in milliseconds: a stall must not become a burst. */
const maxLateMs = 2 * tickMs

/**
 * Ends all sessions with `RESTART`, evenly over the window, so that other replicas are not stormed. Oldest first: those that came last may still be
 * catching up, which they would have to begin anew elsewhere. Of those that are due, the ones with something under way wait for the others, so that it is
 * flushed. Resolves when none is left; no session may be opened meanwhile.
 */
export async function drain(sessions: ReadonlySet<Session>, overMs: number): Promise<void> {
  const perMs = sessions.size / (overMs * (1 - slack))
  const began = performance.now()
  let last = began
  let due = 1
  while (sessions.size > 0) {
    const now = performance.now()
    if (now - began >= overMs) {
      for (const session of sessions) session.close('RESTART')
      return
    }
    due += perMs * Math.min(now - last, maxLateMs)
    last = now
    due -= end(sessions, Math.floor(due))
    if (sessions.size > 0) await turn()
  }
}

function end(sessions: ReadonlySet<Session>, count: number): number {
  if (count === 0) return 0
  const idle: Session[] = []
  const busy: Session[] = []
  for (const session of sessions) {
    ;(session.busy ? busy : idle).push(session)
    if (idle.length === count) break
  }
  const chosen = [...idle, ...busy].slice(0, count)
  for (const session of chosen) session.close('RESTART')
  return count
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, tickMs))
}
