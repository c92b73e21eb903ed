import { describe, expect, test } from '@jest/globals'
import { buildSchema, validateSchema } from 'graphql'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import type { EventSample, InferenceOptions } from '../../../src/events/inference/event-sample.ts'
import { infer } from '../../../src/events/inference/infer.ts'
import { typedEventsPrelude } from '../typed-events-prelude.ts'

function inferred(samples: readonly Partial<EventSample>[], options: Partial<InferenceOptions> = {}): string {
  const full = samples.map((sample) => ({ routingKey: '', properties: {}, body: null, ...sample }))
  const sdl = infer(full, { exchange: 'things', ...options })
  expect(validateSchema(buildSchema(typedEventsPrelude + sdl))).toEqual([])
  return sdl
}

/** The type of the member `name` that has these JSON texts, one a message. */
function typeOf(name: string, ...texts: string[]): string | undefined {
  const samples = texts.map((text) => ({ body: parseJson(`{"${name}":${text},"other":1}`) }))
  return new RegExp(`^  ${name}: (\\S+)`, 'm').exec(inferred(samples))?.[1]
}

const many = (count: number, ...texts: string[]) => Array.from({ length: count }, () => texts).flat()
const uuid = '"7f1c1c1c-0000-4000-8000-000000000010"'

describe('the type of a member', () => {
  test.each<[what: string, name: string, texts: string[], type: string]>([
    ['an integer', 'count', ['1', '-2'], 'Int!'],
    ['an integer beyond 32 bits', 'count', ['1', '2147483648'], 'BigInt!'],
    ['an integer beyond a double', 'count', ['9007199254740993'], 'BigInt!'],
    ['a fraction', 'weight', ['1.25', '3'], 'Float!'],
    ['a fraction with more digits than a double', 'weight', ['1.2345678901234567890'], 'Decimal!'],
    ['a number beyond a double', 'weight', ['1e400'], 'Decimal!'],
    ['an amount of money', 'totalPrice', ['1.25'], 'Decimal!'],
    ['decimals in texts', 'price', ['"1.25"'], 'Decimal!'],
    ['digits in texts', 'code', ['"007"'], 'String!'],
    ['an id of digits', 'customerId', ['1', '2'], 'ID!'],
    ['ids of both kinds', 'customer_id', ['1', '"a"'], 'ID!'],
    ['a list of ids', 'customerIds', ['[1]', '["a"]'], '[ID!]!'],
    ['a UUID', 'id', [uuid], 'UUID!'],
    ['a time', 'at', ['"2026-11-28T10:00:00Z"', '"2026-11-28T10:00:00.123+01:00"'], 'DateTime!'],
    ['a time without offset', 'at', ['"2026-11-28T10:00:00"'], 'String!'],
    ['a time of no day', 'at', ['"2026-02-30T10:00:00Z"'], 'String!'],
    ['a date', 'day', ['"2026-11-28"'], 'Date!'],
    ['seconds of a time', 'createdAt', ['1790000000'], 'DateTime!'],
    ['seconds of something else', 'count', ['1790000000'], 'Int!'],
    ['a boolean', 'isNew', ['true'], 'Boolean!'],
    ['null sometimes', 'count', ['1', 'null'], 'Int'],
    ['null always', 'count', ['null'], 'JSON'],
    ['text and number', 'count', ['1', '"a"'], 'JSON!'],
    ['object and text', 'count', ['{}', '"a"'], 'JSON!'],
    ['an empty list', 'list', ['[]'], '[JSON]!'],
    ['a list with null', 'list', ['[1,null]'], '[Int]!'],
    ['lists of lists', 'list', ['[[1],[]]'], '[[Int!]!]!'],
    ['an empty object', 'map', ['{}'], 'JSON!'],
    ['a map by ids', 'map', [`{${uuid}:1}`, '{"17":2}'], 'JSON!'],
    ['a few upper case words', 'state', many(10, '"NEW"', '"DONE"'), 'ThingState!'],
    ['a few lower case words', 'state', many(10, '"new"', '"in-transit"'), 'ThingState!'],
    ['words of both cases', 'state', many(10, '"new"', '"DONE"'), 'String!'],
    ['words that did not come often', 'state', ['"NEW"', '"DONE"'], 'String!'],
    ['a list of seconds of times', 'times', ['[1790000000]'], '[Int!]!'],
    ['a list of milliseconds of times', 'times', ['[1790000000000]'], '[BigInt!]!'],
    ['milliseconds of a time', 'createdAt', ['1790000000000'], 'DateTime!'],
    ['milliseconds of no time of this century', 'createdAt', ['17900000000000'], 'BigInt!'],
    ['money that is no number', 'price', ['"1 EUR"'], 'String!'],
    ['decimals of something else', 'version', ['"1.25"'], 'String!'],
    ['an amount with a currency', 'paid', ['{"value":1.25,"currency":"EUR"}'], 'ThingPaid!'],
    ['a map by dates', 'map', ['{"2026-11-28":1}'], 'JSON!'],
    ['a map by addresses', 'map', ['{"a@example.com":1}'], 'JSON!'],
    ['an object with one name like an id', 'map', ['{"17":2,"name":"a"}'], 'ThingMap!'],
    ['lists of objects and of texts', 'list', ['[{"a":1}]', '["a"]'], '[JSON!]!'],
    ['words of a name', 'userName', many(10, '"alice"', '"bob"'), 'String!'],
  ])('%s', (_what, name, texts, type) => {
    expect(typeOf(name, ...texts)).toBe(type)
  })
})

describe('objects', () => {
  test('that are equal become one type, named after what their members have in common', () => {
    const address = { street: 'a', zip: '1' }
    const billingAddress = { ...address, zip: null }
    const sdl = inferred([
      { body: { billingAddress, shippingAddress: address } },
      { body: { billingAddress: address, shippingAddress: address } },
    ])
    expect(sdl).toContain('billingAddress: ThingAddress!')
    expect(sdl).toContain('shippingAddress: ThingAddress!')
    expect(sdl).toContain('type ThingAddress {\n  street: String! # in all 4, such as "a"\n  zip: String # in 3 of 4')
  })

  test.each<[members: string, type: string]>([
    ['{"amount":1,"currency":"EUR"}', 'ThingMoney'],
    ['{"lat":1.5,"lng":2.5}', 'ThingPosition'],
    ['{"Latitude":1.5,"Longitude":2.5,"height":3,"time":4}', 'ThingPosition'],
    ['{"id":1,"name":"a"}', 'ThingReference'],
    // Otherwise after the first.
    ['{"id":1,"name":"a","street":"b","zip":"c"}', 'ThingHome'],
    ['{"currency":"EUR","a":1,"b":2,"c":3}', 'ThingHome'],
    ['{"a":1}', 'ThingHome'],
  ])('%s at members of unlike names are a %s', (members, type) => {
    const sdl = inferred([{ body: parseJson(`{"home":${members},"work":${members}}`) }])
    expect(/^ {2}work: (\w+)!/m.exec(sdl)?.[1]).toBe(type)
  })

  test('with many names, few of which come at once, are a map; those that mostly come are a type', () => {
    const typeOfWide = (share: number, value: (name: number) => unknown = () => 1) => {
      const samples = Array.from({ length: 50 }, (_, at) => ({
        body: {
          wide: Object.fromEntries(
            Array.from({ length: 40 }, (_unused, name) => [name, (name + at) % 40] as const)
              .filter(([, order]) => order < share * 40)
              .map(([name]) => [`key_${String.fromCharCode(97 + (name % 20))}${name < 20 ? 'x' : 'y'}`, value(name)]),
          ),
        },
      }))
      return /^ {2}wide: (\S+)/m.exec(inferred(samples))?.[1]
    }
    expect(typeOfWide(0.1)).toBe('JSON!')
    expect(typeOfWide(0.5)).toBe('ThingWide!')
    // Values of several kinds are no values of a map.
    expect(typeOfWide(0.1, (name) => (name % 2 === 0 ? 1 : 'a'))).toBe('ThingWide!')
  })

  test('of more than 200 members have those that come most often', () => {
    const often = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`b${index}`, index]))
    const rare = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`a${index}`, index]))
    const sdl = inferred([{ body: { ...rare, ...often } }, { body: often }])
    expect([sdl.match(/^ {2}b\d+:/gm)?.length, sdl.match(/^ {2}a\d+:/gm)?.length]).toEqual([100, 100])
    expect(sdl).toContain('# Left out: 50 more members.')
    expect(inferred([{ body: { ...rare, ...Object.fromEntries(Object.entries(often).slice(0, 51)) } }])).toContain(
      '# Left out: 1 more member.',
    )
  })

  test('names that GraphQL does not take are mapped, and stay distinct', () => {
    const sdl = inferred([
      { body: { 'order-id': 1, orderId: 2, 'a/b~c': 3, '': 4, '1st': 5, __typename: 'OrderMade' } },
    ])
    expect(sdl).toContain('  orderId2: ID! @from(body: "/order-id")')
    expect(sdl).toContain('  aBC: Int! @from(body: "/a~1b~0c")')
    expect(sdl).toContain('  field: Int! @from(body: "/")')
    expect(sdl).toContain('type OrderMade @eventType(name: "OrderMade")')
    expect(sdl).not.toContain('/__typename")\n')
  })

  test('very wide ones have 200 fields, and a remark', () => {
    const body = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`m${index}`, index]))
    const sdl = inferred([{ body }])
    expect(sdl.match(/^ {2}m\d+:/gm)).toHaveLength(200)
    expect(sdl).toContain('# Left out: 100 more members.')
  })

  test('deep ones end as JSON', () => {
    const text = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`
    const sdl = inferred([
      { body: JSON.parse(text) as unknown },
      { body: JSON.parse('['.repeat(20_000) + ']'.repeat(20_000)) as unknown },
    ])
    expect(sdl.length).toBeLessThan(5_000)
  })

  test('500 messages with ever new members give bounded SDL', () => {
    const samples = Array.from({ length: 500 }, (_, index) => ({
      body: Object.fromEntries(
        Array.from({ length: 100 }, (_unused, at) => [`m${index}x${at}`, { [`n${index}`]: [at] }]),
      ),
    }))
    expect(inferred(samples).length).toBeLessThan(200_000)
  })
})

describe('event types', () => {
  test('of messages of one type are one type with all names', () => {
    const sdl = inferred(['a.made', 'a.sold'].map((type) => ({ properties: { type }, body: { id: 1 } })))
    expect(sdl).toContain('type Thing @eventType(name: "a.made") @eventType(name: "a.sold") {')
    expect(sdl).toContain('  eventType: String! @from(property: TYPE)')
  })

  test('in a word of the routing key count if each type has members of its own', () => {
    const sdl = inferred([
      { routingKey: 'door.opened', body: { by: 'a' } },
      { routingKey: 'door.broken', body: { damage: 3 } },
    ])
    expect(sdl).toContain('@events(exchange: "things", routingKey: "door.{event}", typeFrom: { word: "event" })')
    expect(sdl).toContain('union ThingEvent = ThingOpened | ThingBroken')
  })

  test('that some messages lack do not count', () => {
    expect(inferred([{ properties: { type: 'a' }, body: { a: 1 } }, { body: { b: 1 } }])).not.toContain('@eventType')
  })

  test.each(['ce-', 'ce_', 'cloudEvents:', 'cloudEvents_', ''])(
    'of CloudEvents are in headers with the prefix "%s"',
    (prefix) => {
      const headers = {
        [`${prefix}specversion`]: '1.0',
        [`${prefix}type`]: 'com.example.a.b',
        [`${prefix}source`]: '/',
        [`${prefix}id`]: '1',
      }
      const sdl = inferred([{ properties: { headers }, body: { a: 1 } }])
      expect(sdl).toContain(`typeFrom: { header: "${prefix}type" }`)
      expect(sdl).toContain(`eventId: ID! @from(header: "${prefix}id")`)
    },
  )
})

describe('routing keys', () => {
  test('words with the value of a member are named after it', () => {
    const samples = [7, 8].map((id) => ({ routingKey: `a.${id}.b`, body: { customer: { id } } }))
    expect(inferred(samples)).toContain('routingKey: "a.{customerId}.b"')
  })

  test('words before a rest of any length', () => {
    const samples = ['car.1.a', 'car.2.a.b'].map((routingKey) => ({ routingKey, body: { a: 1 } }))
    const sdl = inferred(samples)
    expect(sdl).toContain('carId: ID # 2 different, such as "1"')
    expect(sdl).toContain('routingKey: "car.{carId}.a.#"')
  })

  test.each<[what: string, keys: string[], options: Partial<InferenceOptions>, routingKeys: string[]]>([
    ['of a fanout exchange do not count', ['a.1', 'a.2'], { exchangeType: 'FANOUT' }, ['#']],
    ['that are all empty', ['', ''], {}, ['#']],
    ['of a direct exchange are all bound', ['a.1', 'b'], { exchangeType: 'DIRECT' }, ['a.1', 'b']],
    [
      'of a direct exchange without what would be a pattern',
      ['a.*', '{b}', 'c#', 'd'],
      { exchangeType: 'DIRECT' },
      ['d'],
    ],
    ['without anything in common', ['a', 'b.c', 'd.e.f'], {}, ['#']],
    ['of any length without a common word', ['x.1', 'y.2.z'], {}, ['#']],
    ['of one length without a common word', ['x.1', 'y.2'], {}, ['{word1}.{word2}']],
    ['with an empty word', ['a..b', 'a.c.b'], {}, ['a.*.b']],
    ['with ids after a word', ['cars.1', 'cars.2'], {}, ['cars.{carId}']],
    ['with words after a word', ['cars.red', 'cars.blue'], {}, ['cars.{word2}']],
    ['of one message', ['cars.red'], {}, ['cars.red']],
    ['of one message with an id', ['cars.7f1c1c1c-0000-4000-8000-000000000010'], {}, ['cars.{carId}']],
  ])('%s', (_what, keys, options, routingKeys) => {
    const sdl = inferred(
      keys.map((routingKey, at) => ({ routingKey, body: { other: `text ${at}` } })),
      options,
    )
    const bound = [...sdl.matchAll(/@events\(([^)]*)\)/g)].map(
      ([, text = '']) => /routingKey: "([^"]*)"/.exec(text)?.[1] ?? '#',
    )
    expect(bound).toEqual(routingKeys)
  })

  test('of a direct exchange that are too many are left out, with a remark', () => {
    const samples = Array.from({ length: 200 }, (_, at) => ({ routingKey: `key${at}`, body: { a: 1 } }))
    const sdl = inferred(samples, { exchangeType: 'DIRECT' })
    const bound = sdl.match(/@events\(/g)?.length ?? 0
    expect(bound).toBeGreaterThan(1)
    expect(sdl).toContain(`- ${200 - bound} more routing keys are left out; a direct exchange needs each of them.`)
  })

  test('are found in a member of any length of key', () => {
    const samples = ['a.7', 'b.8.x'].map((routingKey, at) => ({ routingKey, body: { id: at + 7 } }))
    expect(inferred(samples)).toContain('routingKey: "{word1}.{id}.#"')
  })

  test('no capture takes the name of an argument that every event field has', () => {
    const samples = [1, 2].map((position) => ({ routingKey: `a.${position}`, body: { position } }))
    expect(inferred(samples)).toContain('routingKey: "a.{positionWord}"')
  })
})

describe('payloads', () => {
  test('that are lists of objects give a field with a list', () => {
    expect(inferred([{ body: [{ a: 1 }] }])).toContain('things: [Thing!] @events(exchange: "things")')
  })

  test.each<[what: string, bodies: unknown[], type: string]>([
    ['numbers', [5], 'Int!'],
    ['lists of texts', [['a']], '[String!]!'],
    ['empty lists', [[]], '[JSON]!'],
    ['lists with null', [[{ a: 1 }, null]], '[ThingPayload]!'],
    ['lists and objects', [[{ a: 1 }], { a: 1 }], 'JSON!'],
    ['objects and texts', [{ a: 1 }, 'a'], 'JSON!'],
    ['lists of lists', [[[1]]], '[[Int!]!]!'],
  ])('that are %s give a type with one field', (_what, bodies, type) => {
    const sdl = inferred(bodies.map((body) => ({ body })))
    expect(/^ {2}payload: (\S+) @from\(body: ""\)/m.exec(sdl)?.[1]).toBe(type)
  })

  test('that are not JSON give what headers and words have, else the cursor', () => {
    const sample = { routingKey: 'a', body: undefined }
    expect(inferred([{ ...sample, properties: { headers: { tenant: 'x' } } }])).toContain(
      'type Thing {\n  tenant: String!',
    )
    expect(inferred([sample])).toContain('type Thing {\n  cursor: Cursor @from(property: CURSOR)\n}')
    expect(inferred([sample, { body: { a: 1 } }])).toContain('# 1 more message is not JSON and fit no type here.')
  })

  test('no samples at all are refused', () => {
    expect(() => infer([], { exchange: 'a' })).toThrow(RangeError)
  })
})
