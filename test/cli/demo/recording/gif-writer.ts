import type { Pixels } from './png-pixels.ts'

export interface Frame {
  readonly pixels: Pixels
  /** How long it is shown, in hundredths of a second. */
  readonly delay: number
}

/** Means: as in the frame before. */
const unchanged = 255

/**
 * An endless GIF89a. `frames` is read twice: once for the palette of the most frequent colours, and
 * once for the pictures, of which only the changed rectangle is written.
 */
export function writeGif(frames: () => Iterable<Frame>): Buffer {
  const palette = paletteOf(frames())
  const indexOf = nearestIn(palette)
  const parts: Buffer[] = []
  let before: Uint8Array | undefined
  let pending: { picture: Buffer; delay: number } | undefined
  const flush = (): void => {
    if (pending) parts.push(graphicControl(pending.delay), pending.picture)
  }
  for (const { pixels, delay } of frames()) {
    if (!before) parts.push(header(pixels, palette))
    const indexes = Uint8Array.from(pixels.colours, indexOf)
    const picture = changedPart(indexes, before, pixels)
    if (picture) {
      flush()
      pending = { picture, delay }
    } else if (pending) pending.delay += delay
    before = indexes
  }
  flush()
  return Buffer.concat([...parts, Buffer.from([0x3b])])
}

function paletteOf(frames: Iterable<Frame>): number[] {
  const counts = new Map<number, number>()
  for (const { pixels } of frames)
    for (const colour of pixels.colours) counts.set(colour, (counts.get(colour) ?? 0) + 1)
  const byFrequency = [...counts].sort(([, left], [, right]) => right - left).map(([colour]) => colour)
  return byFrequency.slice(0, unchanged)
}

function nearestIn(palette: readonly number[]): (colour: number) => number {
  const known = new Map(palette.map((colour, index) => [colour, index]))
  return (colour) => {
    const found = known.get(colour)
    if (found !== undefined) return found
    const distances = palette.map((other) =>
      [16, 8, 0].reduce((sum, shift) => sum + (((colour >> shift) & 255) - ((other >> shift) & 255)) ** 2, 0),
    )
    const best = distances.indexOf(Math.min(...distances))
    known.set(colour, best)
    return best
  }
}

function header({ width, height }: Pixels, palette: readonly number[]): Buffer {
  const screen = Buffer.alloc(7)
  screen.writeUInt16LE(width, 0)
  screen.writeUInt16LE(height, 2)
  // A table of 256 colours.
  screen[4] = 0xf7
  const colours = Buffer.alloc(768)
  palette.forEach((colour, index) => colours.writeUIntBE(colour, index * 3, 3))
  const endless = Buffer.from('!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0', 'latin1')
  return Buffer.concat([Buffer.from('GIF89a'), screen, colours, endless])
}

function graphicControl(delay: number): Buffer {
  // Leaves the picture where it is, and has a transparent colour.
  return Buffer.from([0x21, 0xf9, 4, 0b101, delay & 255, delay >> 8, unchanged, 0])
}

/** Undefined if nothing has changed. */
function changedPart(now: Uint8Array, before: Uint8Array | undefined, { width, height }: Pixels): Buffer | undefined {
  let [left, right, top, bottom] = [width, -1, height, -1]
  for (let at = 0; at < now.length; at += 1) {
    if (before?.[at] === now[at]) continue
    const [x, y] = [at % width, Math.floor(at / width)]
    ;[left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)]
  }
  if (right < 0) return undefined
  const part = new Uint8Array((right - left + 1) * (bottom - top + 1))
  let to = 0
  for (let y = top; y <= bottom; y += 1)
    for (let x = left; x <= right; x += 1) {
      const at = y * width + x
      part[to] = before?.[at] === now[at] ? unchanged : (now[at] ?? 0)
      to += 1
    }
  const descriptor = Buffer.alloc(10)
  descriptor[0] = 0x2c
  ;[left, top, right - left + 1, bottom - top + 1].forEach((value, index) =>
    descriptor.writeUInt16LE(value, 1 + index * 2),
  )
  return Buffer.concat([descriptor, Buffer.from([8]), inBlocks(compressed(part))])
}

/** LZW with codes of 9 to 12 bits, as in Appendix F of GIF89a. */
function compressed(indexes: Uint8Array): Buffer {
  const [clear, end] = [256, 257]
  const out: number[] = []
  let [bits, bitCount, size, next] = [0, 0, 9, 258]
  let codes = new Map<number, number>()
  const write = (code: number): void => {
    bits |= code << bitCount
    for (bitCount += size; bitCount >= 8; bitCount -= 8) {
      out.push(bits & 255)
      bits >>>= 8
    }
  }
  write(clear)
  let prefix = indexes[0] ?? 0
  for (const index of indexes.subarray(1)) {
    const key = (prefix << 8) | index
    const known = codes.get(key)
    if (known !== undefined) {
      prefix = known
      continue
    }
    write(prefix)
    prefix = index
    if (next === 4_096) {
      write(clear)
      codes = new Map()
      ;[size, next] = [9, 258]
      continue
    }
    codes.set(key, next)
    if (next === 1 << size) size += 1
    next += 1
  }
  write(prefix)
  write(end)
  if (bitCount > 0) out.push(bits & 255)
  return Buffer.from(out)
}

function inBlocks(bytes: Buffer): Buffer {
  const blocks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 255) {
    const block = bytes.subarray(at, at + 255)
    blocks.push(Buffer.from([block.length]), block)
  }
  return Buffer.concat([...blocks, Buffer.from([0])])
}
