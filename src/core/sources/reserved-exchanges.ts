/**
 * What follows the namespace in the names of exchanges that a gateway keeps to itself; `.events` is
 * for everybody.
 */
const reservedWords = ['control', 'quarantine', 'dead', 'journal', 'room', 'buffer', 'buffered', 'presence']
const reservedName = new RegExp(String.raw`^[A-Za-z0-9_-]{1,63}\.(?:${reservedWords.join('|')})(?:\.|$)`)

/**
 * Whether an exchange has the name of one that gateways keep to themselves, in whatever deployment.
 */
export function isReservedExchange(exchange: string): boolean {
  return reservedName.test(exchange)
}
