/**
 * How long a test waits for what ought to come at once, in milliseconds: long, for a machine that
 * is busy. What comes is not waited for any longer.
 */
export const patienceMs = 20_000
