/**
 * The words after the namespace that gateways reserve for their own exchanges. `.events` is not
 * reserved.
 */
const reservedWords = ['control', 'quarantine', 'dead', 'journal', 'room', 'buffer', 'buffered', 'presence', 'offline']
const reservedName = new RegExp(String.raw`^[A-Za-z0-9_-]{1,63}\.(?:${reservedWords.join('|')})(?:\.|$)`)

/** Whether the exchange has a name that gateways reserve, under any namespace. */
export function isReservedExchange(exchange: string): boolean {
  return reservedName.test(exchange)
}
