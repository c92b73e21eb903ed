/**
 * Calls `look` every so often, each time after what has come from the network meanwhile was read:
 * who gave a sign of life in time is not to be found silent because this process stood still. The
 * timer is the caller's to clear.
 */
export function setIntervalAfterIo(ms: number, look: () => void): NodeJS.Timeout {
  return setInterval(() => setImmediate(look), ms)
}
