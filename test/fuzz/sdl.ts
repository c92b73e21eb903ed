import { deepStrictEqual, match, ok } from 'node:assert/strict'
import { buildSchema } from 'graphql'
import { printServedSchema } from '../../src/events/sdl/type-system/served-schema.ts'
import { readSdl } from '../events/sdl/reading.ts'

/** Of these a token of SDL is made, because few bytes at random are one. */
const tokens = [
  ...'{ } ( ) [ ] : ! = | & , " """ # @ $ null true 0 -7 1e400 type extend union input interface enum'.split(' '),
  ...'scalar directive schema implements on repeatable Query Mutation Subscription Order Status Any Gone A B'.split(
    ' ',
  ),
  ...'ID String Int Boolean Float DateTime Decimal JSON Cursor EventGap Published __typename __proto__'.split(' '),
  ...'constructor order id a b status total @events @state @match @only @owner @allow @from @eventType'.split(' '),
  ...'@value @filterable @publish @request @naming @key @link @deprecated @specifiedBy @oneOf exchange: '.split(' '),
  ...'routingKey: exchangeType: body: envelope: header: word: property: claim: scopes: anonymous: in: is:'.split(' '),
  ...'unknown: key: deleteOn: keep: gap: invalid: history: typeFrom: as: name: fields: url: import: headers:'.split(
    ' ',
  ),
  ...'value: wrap: reason: type: last: every: after: position: filter: TOPIC FANOUT NEXT NULL TYPE CURSOR'.split(' '),
  ...'"e" "a.{id}" "a.{b#}.*" "#" "/id" "/a~2" "" "{id}" "header:x" "word:id" "30d" "id { a }" "*" "$client"'.split(
    ' ',
  ),
  'type Order { id: ID status: Status }',
  'enum Status { A B }',
  'type Subscription { order(id: ID): Order @events(exchange: "e") }',
  'order(id: ID, status: Status): Order @events(exchange: "e", routingKey: "a.{id}")',
  'extend schema @link(url: "https://example.com/warren/v1.0", import: ["@match"])',
  'union Any = Order | Gone',
].filter((token) => token !== '')

/**
 * One or two files of SDL, separated by the last token: as text if the first byte is even, else a
 * byte for each token. What cannot be served has mistakes, each at a place of a file; what can is
 * a schema that graphql-js reads.
 */
export function fuzz(data: Buffer): void {
  const [kind = 0, ...rest] = data
  const text =
    kind % 2 === 0
      ? data.subarray(1).toString()
      : rest.map((byte) => (byte < tokens.length ? tokens[byte] : '\0')).join(' ')
  const files = text.split('\0').slice(0, 2)
  const reading = readSdl(files, { core: kind % 4 < 2 })
  if ('mistakes' in reading) {
    ok(reading.mistakes.length > 0)
    for (const { location, message } of reading.mistakes) {
      match(location.file, /^[12]\.graphql$/)
      const lines = files[Number(location.file[0]) - 1]?.split(/\r\n|\r|\n/) ?? []
      ok(location.line >= 1 && location.line <= lines.length)
      ok(location.column >= 1 && location.column <= (lines[location.line - 1]?.length ?? 0) + 1)
      ok(!/undefined|\[object|_Unresolved_/.test(message.replaceAll(/"[^"]*"/g, '')), message)
    }
    const again = readSdl(files, { core: kind % 4 < 2 })
    deepStrictEqual('mistakes' in again && again.mistakes, reading.mistakes)
  } else {
    buildSchema(printServedSchema(reading.schema))
  }
}
