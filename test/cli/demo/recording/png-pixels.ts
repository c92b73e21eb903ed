import { inflateSync } from 'node:zlib'

export interface Pixels {
  readonly width: number
  readonly height: number
  /** 0xRRGGBB of each pixel, row by row. */
  readonly colours: Uint32Array
}

/** Reads a PNG as Chromium writes it: 8 bits a channel, RGB or RGBA, not interlaced (RFC 2083). */
export function readPng(png: Buffer): Pixels {
  const data: Buffer[] = []
  let [width, height, channels] = [0, 0, 0]
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at)
    const kind = png.toString('latin1', at + 4, at + 8)
    const chunk = png.subarray(at + 8, at + 8 + length)
    if (kind === 'IHDR') {
      ;[width, height] = [chunk.readUInt32BE(0), chunk.readUInt32BE(4)]
      channels = { 2: 3, 6: 4 }[chunk[9] ?? 0] ?? 0
      if (chunk[8] !== 8 || channels === 0 || chunk[12] !== 0) throw new Error('expected RGB or RGBA with 8 bits')
    }
    if (kind === 'IDAT') data.push(chunk)
    at += length + 12
  }
  const rows = unfiltered(inflateSync(Buffer.concat(data)), width * channels, channels)
  const colours = new Uint32Array(width * height)
  for (let index = 0; index < colours.length; index += 1) colours[index] = rows.readUIntBE(index * channels, 3)
  return { width, height, colours }
}

/** Undoes the filters of PNG (RFC 2083 §6), each of which predicts a byte from its neighbours. */
function unfiltered(filtered: Buffer, rowBytes: number, channels: number): Buffer {
  const rows = Math.floor(filtered.length / (rowBytes + 1))
  const out = Buffer.alloc(rows * rowBytes)
  for (let row = 0; row < rows; row += 1) {
    const from = row * (rowBytes + 1)
    const filter = filtered[from]
    for (let column = 0; column < rowBytes; column += 1) {
      const at = row * rowBytes + column
      const left = column >= channels ? (out[at - channels] ?? 0) : 0
      const up = row > 0 ? (out[at - rowBytes] ?? 0) : 0
      const corner = row > 0 && column >= channels ? (out[at - rowBytes - channels] ?? 0) : 0
      const predicted = [0, left, up, (left + up) >> 1, nearest(left, up, corner)][filter ?? 0] ?? 0
      out[at] = (filtered[from + 1 + column] ?? 0) + predicted
    }
  }
  return out
}

function nearest(left: number, up: number, corner: number): number {
  const estimate = left + up - corner
  const [toLeft, toUp, toCorner] = [left, up, corner].map((value) => Math.abs(estimate - value)) as [
    number,
    number,
    number,
  ]
  if (toLeft <= toUp && toLeft <= toCorner) return left
  return toUp <= toCorner ? up : corner
}
