/**
 * Splits an input of the fuzzer: the first byte is how long the list of cuts is, the list follows,
 * the rest is what a peer sends. So the fuzzer also mutates where the network cuts.
 */
export function splitInput(data: Buffer): { readonly bytes: Buffer; readonly pieces: readonly Buffer[] } {
  const cuts = data.subarray(1, 1 + ((data[0] ?? 0) % 16))
  const bytes = data.subarray(1 + cuts.length)
  const pieces: Buffer[] = []
  let at = 0
  for (let number = 0; at < bytes.length; number += 1) {
    // 0: all that is left.
    const length = cuts.length === 0 ? 1 : (cuts[number % cuts.length] ?? 0) || bytes.length
    pieces.push(Buffer.from(bytes.subarray(at, at + length)))
    at += length
  }
  return { bytes, pieces }
}
