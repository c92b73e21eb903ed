/**
 * The longest wait for something that should happen at once, in milliseconds. It is long because a
 * machine may be busy; a test that succeeds does not wait longer.
 */
export const patienceMs = 60_000
