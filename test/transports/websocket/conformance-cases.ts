import { type ClientFrame, closePayload, opcodes } from './client-frames.ts'

/** What a client sends in a case, in order. */
export type Step =
  /** A message. `fails`: it is not UTF-8, and closes the connection with 1007. */
  | {
      readonly kind: 'message'
      readonly isBinary: boolean
      readonly fragments: readonly Buffer[]
      /** Control frames, sent after the fragment of the same place. */
      readonly between: readonly (readonly ControlStep[])[]
      readonly fails: boolean
      /**
       * `content`: endpoints may put the application's text around it, so that it is answered.
       * `exact`: the payload is sent as it is. A number: the payload has exactly so many bytes.
       */
      readonly form: 'content' | 'exact' | number
      readonly lengthBytes?: 2 | 8
    }
  | ControlStep
  /** A frame that breaks the protocol: it closes the connection with this code. */
  | { readonly kind: 'broken'; readonly frame: ClientFrame; readonly code: number }
  /** A frame without an answer. */
  | { readonly kind: 'frame'; readonly frame: ClientFrame }
  | { readonly kind: 'close'; readonly payload: Buffer }

export type ControlStep =
  | { readonly kind: 'ping'; readonly payload: Buffer }
  | { readonly kind: 'pong'; readonly payload: Buffer }

export interface ConformanceCase {
  /** The number of the case in Autobahn|Testsuite; W: not in Autobahn. */
  readonly id: string
  readonly title: string
  readonly steps: readonly Step[]
  /** In which pieces the bytes are written: all in one, frame by frame, or so many bytes. */
  readonly pieces: 'one' | 'frames' | number
  /** Why this outcome is expected where RFC 6455 leaves it open. */
  readonly reason?: string
}

/** Of each server that runs the cases. */
export const maxMessageBytes = 16 * 1024 * 1024

const hello = 'Hello, world!'
const utf8 = 'Hello-µ@ßöäüàá-UTF-8!!'
const none = Buffer.alloc(0)

function buffer(content: string | Buffer): Buffer {
  return typeof content === 'string' ? Buffer.from(content) : content
}

function message(
  isBinary: boolean,
  fragments: readonly (string | Buffer)[],
  more: Partial<Extract<Step, { kind: 'message' }>> = {},
): Step {
  const form = 'content'
  return { kind: 'message', isBinary, fragments: fragments.map(buffer), between: [], fails: false, form, ...more }
}

const text = (content: string | Buffer) => message(false, [content])
const exact = (...fragments: string[]) => message(false, fragments, { form: 'exact' })
const invalidText = (...fragments: Buffer[]) => message(false, fragments, { fails: true })
const sized = (bytes: number, isBinary: boolean) => message(isBinary, [none], { form: bytes })
const ping = (payload: string | Buffer = none): ControlStep => ({ kind: 'ping', payload: buffer(payload) })
const pong = (payload: string | Buffer = none): ControlStep => ({ kind: 'pong', payload: buffer(payload) })
const close = (code: number, reason: string | Buffer = ''): Step => ({
  kind: 'close',
  payload: closePayload(code, reason),
})
const frame = (opcode: number, payload: string | Buffer = none, more: Partial<ClientFrame> = {}): Step => ({
  kind: 'frame',
  frame: { opcode, payload: buffer(payload), ...more },
})
const broken = (
  opcode: number,
  payload: string | Buffer = none,
  { code = 1002, ...more }: Partial<ClientFrame> & { code?: number } = {},
): Step => ({ kind: 'broken', code, frame: { opcode, payload: buffer(payload), ...more } })

/** Pieces of `size` bytes. */
function split(content: Buffer, size: number): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at < content.length; at += size) parts.push(content.subarray(at, at + size))
  return parts
}

function repeated<Item>(count: number, make: (number: number) => Item): Item[] {
  return Array.from({ length: count }, (_, number) => make(number))
}

interface Options {
  readonly pieces?: ConformanceCase['pieces']
  readonly reason?: string
}

/** `steps`, with the options of the case at the end. */
type Row = readonly [id: string, title: string, steps: readonly Step[], options?: Options]

const { continuation, text: textOpcode, binary: binaryOpcode } = opcodes

const sizes = [0, 125, 126, 127, 128, 65_535, 65_536]
const framing: readonly Row[] = [false, true].flatMap((isBinary, kind): Row[] => [
  ...sizes.map((bytes, number): Row => {
    const id = `1.${kind + 1}.${number + 1}`
    return [id, `${isBinary ? 'binary' : 'text'} message of ${bytes} bytes`, [sized(bytes, isBinary)]]
  }),
  [
    `1.${kind + 1}.8`,
    `${isBinary ? 'binary' : 'text'} message of 65,536 bytes in pieces of 997`,
    [sized(65_536, isBinary)],
    { pieces: 997 },
  ],
])

const bytesOfPing = Buffer.alloc(125, 0xfe)
const tenPings = repeated(10, (number) => ping(`payload-${number}`))
const pingsAndPongs: readonly Row[] = [
  ['2.1', 'ping without payload', [ping()]],
  ['2.2', 'ping with text', [ping(hello)]],
  ['2.3', 'ping with bytes that are not UTF-8', [ping(Buffer.from('00fffefdfcfb00ff', 'hex'))]],
  ['2.4', 'ping of 125 bytes', [ping(bytesOfPing)]],
  ['2.5', 'ping of 126 bytes', [broken(opcodes.ping, Buffer.alloc(126, 0xfe))]],
  ['2.6', 'ping of 125 bytes, byte by byte', [ping(bytesOfPing)], { pieces: 1 }],
  ['2.7', 'pong that was not asked for, without payload', [pong()]],
  ['2.8', 'pong that was not asked for, with payload', [pong('unsolicited pong payload')]],
  ['2.9', 'pong that was not asked for, then a ping', [pong('unsolicited pong payload'), ping('ping payload')]],
  ['2.10', 'ten pings', tenPings],
  ['2.11', 'ten pings, byte by byte', tenPings, { pieces: 1 }],
]

const reservedBits: readonly Row[] = [
  ['3.1', 'text with reserved bits 1', [broken(textOpcode, hello, { reserved: 1 })]],
  ['3.2', 'text, then text with reserved bits 2', [text(hello), broken(textOpcode, hello, { reserved: 2 }), ping()]],
  [
    '3.3',
    'text, then text with reserved bits 3, frame by frame',
    [text(hello), broken(textOpcode, hello, { reserved: 3 }), ping()],
    { pieces: 'frames' },
  ],
  [
    '3.4',
    'text, then text with reserved bits 4, byte by byte',
    [text(hello), broken(textOpcode, hello, { reserved: 4 }), ping()],
    { pieces: 1 },
  ],
  ['3.5', 'binary with reserved bits 5', [broken(binaryOpcode, bytesOfPing, { reserved: 5 })]],
  ['3.6', 'ping with reserved bits 6', [broken(opcodes.ping, hello, { reserved: 6 })]],
  ['3.7', 'close with reserved bits 7', [broken(opcodes.close, closePayload(1000), { reserved: 7 })]],
]

const reservedOpcodes: readonly Row[] = [
  ...[3, 4, 5, 6, 7].map((opcode, number): Row => reservedOpcode(`4.1.${number + 1}`, opcode, number)),
  ...[11, 12, 13, 14, 15].map((opcode, number): Row => reservedOpcode(`4.2.${number + 1}`, opcode, number)),
]

/** As in Autobahn: alone, alone with payload, after a message, byte by byte. */
function reservedOpcode(id: string, opcode: number, number: number): Row {
  const steps = [broken(opcode, number % 2 === 0 ? none : 'payload'), ping()]
  if (number < 2) return [id, `opcode ${opcode}`, steps]
  const pieces = number === 4 ? 1 : 'one'
  return [id, `text, then opcode ${opcode}`, [text(hello), ...steps], { pieces }]
}

const two = ['fragment1', 'fragment2']
const withPing = () => message(false, two, { between: [[ping('ping payload')]] })
const withTwoPings = () =>
  message(false, ['fragment1', 'fragment2', 'fragment3', 'fragment4', 'fragment5'], {
    between: [[], [ping('pongme 1!')], [], [ping('pongme 2!')]],
  })
/** The same case with its bytes in one piece, frame by frame, and byte by byte. */
const inPieces = (first: number, title: string, steps: readonly Step[]): Row[] => [
  [`5.${first}`, title, steps],
  [`5.${first + 1}`, `${title}, frame by frame`, steps, { pieces: 'frames' }],
  [`5.${first + 2}`, `${title}, byte by byte`, steps, { pieces: 1 }],
]
const orphan = (fin: boolean) => [broken(continuation, 'non-continuation payload', { fin }), text(hello)]
const firstFragment = frame(textOpcode, 'fragment1', { fin: false })
const fragmentation: readonly Row[] = [
  [
    '5.1',
    'ping in two fragments',
    [broken(opcodes.ping, 'fragment1', { fin: false }), frame(continuation, 'fragment2')],
  ],
  [
    '5.2',
    'pong in two fragments',
    [broken(opcodes.pong, 'fragment1', { fin: false }), frame(continuation, 'fragment2')],
  ],
  ...inPieces(3, 'text in two fragments', [message(false, two)]),
  ...inPieces(6, 'text in two fragments with a ping in between', [withPing()]),
  ...inPieces(9, 'last continuation without a first fragment', orphan(true)),
  ...inPieces(12, 'continuation without a first fragment', orphan(false)),
  [
    '5.15',
    'text in two fragments, then a continuation without a first fragment',
    [message(false, two), ...orphan(false)],
  ],
  [
    '5.16',
    'continuation without a first fragment, then text in two fragments, twice',
    repeated(2, () => [broken(continuation, 'fragment1', { fin: false }), message(false, two)]).flat(),
  ],
  [
    '5.17',
    'last continuation without a first fragment, then text in two fragments, twice',
    repeated(2, () => [broken(continuation, 'fragment1'), message(false, two)]).flat(),
  ],
  ['5.18', 'text within a fragmented text', [firstFragment, broken(textOpcode, 'fragment2')]],
  ['5.19', 'text in five fragments with two pings in between', [withTwoPings()], { pieces: 'frames' }],
  ['5.20', 'text in five fragments with two pings in between, byte by byte', [withTwoPings()], { pieces: 1 }],
]

/** Each row: a part of group 6, whether its sequences are valid, and the sequences in hex. */
const sequences: readonly [part: string, title: string, isValid: boolean, sequences: readonly string[]][] = [
  ['6.5', 'text beyond ASCII', true, ['cebae1bdb9cf83cebcceb5', 'c3a9', 'e282ac', 'f09f9087', '48c3a96c6c6f']],
  ['6.7', 'first sequence of a length', true, ['00', 'c280', 'e0a080', 'f0908080']],
  ['6.8', 'first sequence of five and six bytes', false, ['f888808080', 'fc8480808080']],
  ['6.9', 'last sequence of a length', true, ['7f', 'dfbf', 'efbfbf', 'f48fbfbf']],
  ['6.10', 'last sequence of four, five and six bytes', false, ['f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf']],
  ['6.11', 'boundary', true, ['ed9fbf', 'ee8080', 'efbfbd', 'f48fbfbf']],
  ['6.11', 'first above the last code point', false, ['f4908080']],
  [
    '6.12',
    'continuation bytes without a start',
    false,
    ['80', 'bf', '80bf', '80bf80', '80bf80bf', '80bf80bf80', '80bf80bf80bf', allBytes(0x80, 0xbe)],
  ],
  [
    '6.13',
    'start bytes without continuation',
    false,
    [spaced(0xc0, 0xdf), spaced(0xe0, 0xef), spaced(0xf0, 0xf7), spaced(0xf8, 0xfb), 'fc20fd20'],
  ],
  [
    '6.14',
    'sequence without its last byte',
    false,
    ['c0', 'e080', 'f08080', 'f8808080', 'fc80808080', 'df', 'efbf', 'f7bfbf', 'fbbfbfbf', 'fdbfbfbfbf'],
  ],
  [
    '6.15',
    'all sequences without their last byte',
    false,
    ['c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf'],
  ],
  ['6.16', 'impossible bytes', false, ['fe', 'ff', 'fefeffff']],
  ['6.17', 'overlong solidus', false, ['c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af']],
  ['6.18', 'last overlong sequence', false, ['c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf']],
  ['6.19', 'overlong NUL', false, ['c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080']],
  ['6.20', 'single surrogate', false, ['eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf']],
  [
    '6.21',
    'pair of surrogates',
    false,
    ['eda080', 'edadbf', 'edae80', 'edafbf'].flatMap((high) => [`${high}edb080`, `${high}edbfbf`]),
  ],
  ['6.22', 'non-character, which is valid', true, ['efbfbe', 'efbfbf', ...nonCharacters()]],
  [
    '6.23',
    'special of Unicode',
    true,
    repeated(7, (number) => Buffer.from([0xef, 0xbf, 0xb9 + number]).toString('hex')),
  ],
]

function allBytes(from: number, to: number): string {
  return Buffer.from(repeated(to - from + 1, (number) => from + number)).toString('hex')
}

/** Each byte with a space behind it. */
function spaced(from: number, to: number): string {
  return Buffer.from(repeated(to - from + 1, (number) => [from + number, 0x20]).flat()).toString('hex')
}

/** U+nFFFE and U+nFFFF of the planes 1 to 16. */
function nonCharacters(): string[] {
  return repeated(16, (number) => number + 1).flatMap((plane) =>
    [0xfffe, 0xffff].map((low) => Buffer.from(String.fromCodePoint(plane * 0x1_0000 + low)).toString('hex')),
  )
}

const kosme = Buffer.from('κόσμε')
const surrogates = Buffer.from('eda080656469746564', 'hex')
const tooHigh = Buffer.from('f4908080', 'hex')
const codePoints: readonly Row[] = [
  ['6.1.1', 'empty text', [exact('')]],
  ['6.1.2', 'text in three empty fragments', [exact('', '', '')]],
  ['6.1.3', 'text in three fragments, only the middle one not empty', [exact('', 'middle frame payload', '')]],
  ['6.2.1', 'UTF-8 in one frame', [text(utf8)]],
  ['6.2.2', 'UTF-8 in two fragments, between characters', [message(false, ['Hello-µ@ßöä', 'üàá-UTF-8!!'])]],
  ['6.2.3', 'UTF-8 in fragments of a byte', [message(false, split(Buffer.from(utf8), 1))]],
  ['6.2.4', 'UTF-8 of two and three bytes in fragments of a byte', [message(false, split(kosme, 1))]],
  ['6.3.1', 'surrogates in UTF-8', [invalidText(Buffer.concat([kosme, surrogates]))]],
  ['6.3.2', 'surrogates in fragments of a byte', [invalidText(...split(Buffer.concat([kosme, surrogates]), 1))]],
  ['6.4.1', 'invalid second fragment of three', [invalidText(kosme, tooHigh, Buffer.from('edited'))]],
  [
    '6.4.2',
    'character that becomes invalid in the third fragment',
    [invalidText(Buffer.concat([kosme, tooHigh.subarray(0, 1)]), tooHigh.subarray(1, 2), Buffer.from('edited'))],
  ],
  [
    '6.4.3',
    'invalid text in one frame, in pieces',
    [invalidText(Buffer.concat([kosme, tooHigh, Buffer.from('edited')]))],
    { pieces: 8 },
  ],
  [
    '6.4.4',
    'invalid text in one frame, byte by byte',
    [invalidText(Buffer.concat([kosme, tooHigh, Buffer.from('edited')]))],
    { pieces: 1 },
  ],
  ...repeated(kosme.length, (number): Row => {
    const content = kosme.subarray(0, number + 1)
    const isWhole = !content.toString().includes('\u{fffd}')
    return [`6.6.${number + 1}`, `first ${number + 1} bytes of κόσμε`, [isWhole ? text(content) : invalidText(content)]]
  }),
  ...sequences.flatMap(([part, title, isValid, hex]) =>
    hex.map((bytes, number): Row => {
      const content = Buffer.from(bytes, 'hex')
      const place = part === '6.11' && !isValid ? 5 : number + 1
      return [`${part}.${place}`, `${title}: ${bytes.slice(0, 24)}`, [isValid ? text(content) : invalidText(content)]]
    }),
  ),
]

const sentBack = 'RFC 6455 §5.5.1 says that the code is "typically" sent back; the reason is too, as in ws.'
const notAssigned = 'RFC 6455 §7.4.2 only reserves the code. It is refused like one that must not be sent, as in ws.'
const ignored: readonly (readonly [id: string, title: string, after: readonly Step[]])[] = [
  ['7.1.1', 'close', []],
  ['7.1.2', 'close, then another close', [frame(opcodes.close, closePayload(1000))]],
  ['7.1.3', 'close, then a ping', [ping('too late')]],
  ['7.1.4', 'close, then text', [text(hello)]],
]
const validCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
const invalidCodes = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999]
const closing: readonly Row[] = [
  ...ignored.map(([id, title, after]): Row => [id, title, [text(hello), close(1000), ...after]]),
  ['7.1.5', 'close within a fragmented text', [firstFragment, close(1000), frame(continuation, 'fragment2')]],
  ['7.1.6', 'close right behind a message of 256 KiB', [sized(262_144, false), close(1000), ping()]],
  ['7.3.1', 'close without payload', [{ kind: 'close', payload: none }]],
  ['7.3.2', 'close with a payload of one byte', [broken(opcodes.close, 'a')]],
  ['7.3.3', 'close with a code', [close(1000)]],
  ['7.3.4', 'close with a code and a reason', [close(1000, hello)], { reason: sentBack }],
  ['7.3.5', 'close with a reason of 123 bytes', [close(1000, '*'.repeat(123))], { reason: sentBack }],
  ['7.3.6', 'close with a reason of 124 bytes', [broken(opcodes.close, closePayload(1000, '*'.repeat(124)))]],
  [
    '7.5.1',
    'close with a reason that is not UTF-8',
    [broken(opcodes.close, closePayload(1000, surrogates), { code: 1007 })],
  ],
  ...validCodes.map((code, number): Row => [`7.7.${number + 1}`, `close with ${code}`, [close(code)]]),
  ...invalidCodes.map(
    (code, number): Row => [
      `7.9.${number + 1}`,
      `close with ${code}`,
      [broken(opcodes.close, closePayload(code))],
      code > 1015 ? { reason: notAssigned } : {},
    ],
  ),
  ['7.13.1', 'close with 5000', [broken(opcodes.close, closePayload(5_000))], { reason: notAssigned }],
  ['7.13.2', 'close with 65535', [broken(opcodes.close, closePayload(65_535))], { reason: notAssigned }],
]

const KiB = 1024
const MiB = KiB * KiB
const large = [64 * KiB, 256 * KiB, MiB]
const fragmentSizes = [64, 256, KiB, 4 * KiB, 16 * KiB, 64 * KiB, 256 * KiB]
const pieceSizes = [64, 256, KiB]
const counted = [0, 16, 64, 256, KiB, 4 * KiB]
/** Autobahn's sizes, up to a sixteenth of its largest, so that the suite takes seconds. */
const limits: readonly Row[] = [false, true].flatMap((isBinary, kind): Row[] => {
  const name = isBinary ? 'binary' : 'text'
  const whole = Buffer.alloc(256 * KiB, 'x')
  return [
    ...large.map(
      (bytes, number): Row => [`9.${kind + 1}.${number + 1}`, `${name} of ${bytes} bytes`, [sized(bytes, isBinary)]],
    ),
    ...fragmentSizes.map(
      (size, number): Row => [
        `9.${kind + 3}.${number + 1}`,
        `${name} of 256 KiB in fragments of ${size} bytes`,
        [message(isBinary, split(whole, size))],
      ],
    ),
    ...pieceSizes.map(
      (size, number): Row => [
        `9.${kind + 5}.${number + 1}`,
        `${name} of 32 KiB in pieces of ${size} bytes`,
        [sized(32 * KiB, isBinary)],
        { pieces: size },
      ],
    ),
    ...counted.map(
      (bytes, number): Row => [
        `9.${kind + 7}.${number + 1}`,
        `100 ${name} messages of ${bytes} bytes`,
        repeated(100, () => message(isBinary, [Buffer.alloc(bytes, '*')])),
      ],
    ),
  ]
})

const automaticFragments: readonly Row[] = [
  ['10.1.1', 'text of 65,536 bytes in fragments of 1,300', [message(false, split(Buffer.alloc(65_536, '*'), 1_300))]],
]

const shortest = 'RFC 6455 §5.2 requires the shortest form of a sender only. It is read, as by ws.'
const limit = 'RFC 6455 §10.4 leaves limits to the server; the code is that of ws.'
const maxFragments = 16 * KiB
/** Not in Autobahn: limits of the server, and what RFC 6455 leaves open. */
const others: readonly Row[] = [
  ['W.1', 'frame without a mask', [broken(textOpcode, hello, { masked: false })]],
  ['W.2', 'short text with a length of 2 bytes', [message(false, [hello], { lengthBytes: 2 })], { reason: shortest }],
  ['W.3', 'short text with a length of 8 bytes', [message(false, [hello], { lengthBytes: 8 })], { reason: shortest }],
  ['W.4', 'short ping with a length of 2 bytes', [broken(opcodes.ping, hello, { lengthBytes: 2 })]],
  [
    'W.5',
    'fragments above the limit of a message',
    [firstFragment, broken(continuation, none, { announced: BigInt(maxMessageBytes), code: 1009 })],
    { reason: limit },
  ],
  [
    'W.6',
    'frame that announces more than 2^53 bytes',
    [broken(binaryOpcode, none, { announced: 2n ** 60n, code: 1009 })],
    { reason: limit },
  ],
  [
    'W.7',
    'message in more than 16,384 fragments',
    [
      frame(textOpcode, 'x', { fin: false }),
      ...repeated(maxFragments - 1, () => frame(continuation, 'x', { fin: false })),
      broken(continuation, 'x', { fin: false, code: 1008 }),
    ],
    { reason: limit },
  ],
]

const groups = [
  framing,
  pingsAndPongs,
  reservedBits,
  reservedOpcodes,
  fragmentation,
  codePoints,
  closing,
  limits,
  automaticFragments,
  others,
]

export const conformanceCases: readonly ConformanceCase[] = groups
  .flat()
  .map(([id, title, steps, options]) => ({ id, title, steps, pieces: 'one', ...options }))
