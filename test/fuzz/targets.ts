import * as amqpHeaders from './amqp-headers.ts'
import * as amqpReader from './amqp-reader.ts'
import * as canonicalJson from './canonical-json.ts'
import * as frameReader from './frame-reader.ts'
import * as jwt from './jwt.ts'
import * as sdl from './sdl.ts'
import * as socketClusterPackets from './socketcluster-packets.ts'
import * as tcpFraming from './tcp-framing.ts'

/** By the name of its file, which is also the name of its folder in `corpus/`. */
export const targets: ReadonlyMap<string, (data: Buffer) => void | Promise<void>> = new Map([
  ['amqp-headers', amqpHeaders.fuzz],
  ['amqp-reader', amqpReader.fuzz],
  ['canonical-json', canonicalJson.fuzz],
  ['frame-reader', frameReader.fuzz],
  ['jwt', jwt.fuzz],
  ['sdl', sdl.fuzz],
  ['socketcluster-packets', socketClusterPackets.fuzz],
  ['tcp-framing', tcpFraming.fuzz],
])

export const targetNames: readonly string[] = [...targets.keys()]
