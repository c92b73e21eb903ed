import { describe, expect, test } from '@jest/globals'
import { orderField, printedMistakes, schemaOf } from './reading.ts'

const events = (args = '') => `@events(exchange: "a"${args === '' ? '' : `, ${args}`})`
const gapFormOf = (sdl: string) => schemaOf(sdl).schema.events.get('order')?.gapForm

describe('the form of a gap', () => {
  const union = 'union Event = Order | EventGap'
  const envelope =
    'type Envelope { gap: EventGap @from(property: GAP) at: Cursor! @from(property: CURSOR) order: Order @from(body: "") }'

  test.each<[what: string, sdl: string, form: object]>([
    ['a member of the union', `${orderField('', events(), 'Event!')} ${union}`, { kind: 'member' }],
    ['a member of a nullable union', `${orderField('', events(), 'Event')} ${union}`, { kind: 'member' }],
    ['a field of the type', `${orderField('', events(), 'Envelope!')} ${envelope}`, { kind: 'field', field: 'gap' }],
    ['null', orderField('', events()), { kind: 'null' }],
    ['null for a nullable list', orderField('', events(), '[Order!]'), { kind: 'null' }],
    ['an error for a non-null field', orderField('', events(), 'Order!'), { kind: 'error' }],
    ['an error where it is forced', `${orderField('', events('gap: ERROR'), 'Event!')} ${union}`, { kind: 'error' }],
    ['a mark on the next event', orderField('', events('gap: NEXT'), 'Order!'), { kind: 'next' }],
  ])('is %s', (_what, sdl, form) => {
    expect(gapFormOf(sdl)).toEqual(form)
  })

  test('is remarked on if it ends subscriptions of clients', () => {
    expect(printedMistakes(orderField('', events(), 'Order!'))).toEqual([
      'e.graphql:1:35: a gap of Subscription.order is an error with the code GAP, because the field cannot be null: Apollo Client 3 (default policy) and Relay end the subscription there, and urql shows the error for ever; make the field nullable, add EventGap to its union, or add a field EventGap @from(property: GAP) to its type',
    ])
    expect(printedMistakes(orderField('', events('gap: ERROR'), 'Order!'))).toEqual([])
    expect(printedMistakes(orderField('', events('gap: NEXT'), 'Order!'))).toEqual([])
  })
})

describe('an argument with the name or type of a built-in one', () => {
  const read = (args: string, type = 'Order') => {
    const { schema } = schemaOf(orderField(args, events(), type))
    const event = schema.events.get('order')
    const { order } = schema.schema.getSubscriptionType()?.getFields() ?? {}
    const served = order?.args.map(({ name }) => name)
    return { conditions: event?.conditions.map(({ name }) => name), builtIn: event?.builtIn, served }
  }

  test('is the cursor to resume after if its type is Cursor, whatever its name', () => {
    const { conditions, builtIn, served } = read('since: Cursor!')
    expect(conditions).toEqual([])
    expect(builtIn?.after).toBe('since')
    expect(served).toEqual(['since', 'last', 'position', 'autoAck', 'every', 'overflow', 'checkpoints'])
  })

  test('belongs to the author if it has another type', () => {
    const { conditions, builtIn, served } = read('after: ID, overflow: String, checkpoints: Int, last: ID!, every: Int')
    expect(conditions).toEqual(['after', 'overflow', 'checkpoints', 'last', 'every'])
    expect(builtIn).toMatchObject({ after: undefined, overflow: undefined, checkpoints: undefined, last: undefined })
    expect(served).toEqual(['after', 'overflow', 'checkpoints', 'last', 'every', 'position', 'autoAck'])
  })

  test('belongs to the author if it has a directive', () => {
    const { conditions, builtIn } = read(
      'last: Int @match, checkpoints: Boolean @match(body: "/c"), overflow: OverflowPolicy @owner',
    )
    expect(conditions).toEqual(['last', 'checkpoints', 'overflow'])
    expect(builtIn).toMatchObject({ after: 'after', checkpoints: undefined, overflow: undefined })
  })

  test('keeps its declaration, such as a default value, if it is the built-in one', () => {
    const { conditions, builtIn, served } = read('overflow: OverflowPolicy = END, checkpoints: Boolean = true')
    expect(conditions).toEqual([])
    expect(builtIn).toMatchObject({ overflow: 'overflow', checkpoints: 'checkpoints' })
    expect(served).toEqual(['overflow', 'checkpoints', 'after', 'last', 'position', 'autoAck', 'every'])
  })

  test('is a condition where the field has no checkpoints', () => {
    expect(read('checkpoints: Boolean', 'Order!').conditions).toEqual(['checkpoints'])
  })

  test.each([
    ['last: Int', ['last', 'after', 'position', 'autoAck', 'every'], 'begins with so many of the last events'],
    [
      'position: String',
      ['position', 'after', 'last', 'autoAck', 'every'],
      'continues at a position that the gateway keeps for the caller',
    ],
    [
      'every: String',
      ['every', 'after', 'last', 'position', 'autoAck'],
      'delivers the newest message once in this time',
    ],
  ])('is the built-in one, and remarked on, if it is %s', (argument, names, meaning) => {
    const { conditions, served } = read(argument)
    expect([conditions, served]).toEqual([[], [...names, 'overflow', 'checkpoints']])
    expect(printedMistakes(orderField(argument, events()))).toEqual([
      `e.graphql:1:27: "${argument}" without a directive is the built-in argument, which ${meaning}: write @match to compare it with the message`,
    ])
  })

  test('has no default value if it is last: Int, because a client that resumes gives after', () => {
    expect(printedMistakes(orderField('last: Int = 5', events()))).toContain(
      'e.graphql:1:39: last is the built-in argument, which cannot have a default value: a client that resumes gives after, and never both',
    )
  })

  test('has no default value if it is position: String, because the devices of a client would share it', () => {
    expect(printedMistakes(orderField('position: String = "phone"', events()))).toContain(
      'e.graphql:1:46: position is the built-in argument, which cannot have a default value: each device of a client has its own, or they take it from each other',
    )
  })

  test('is the key of idempotency of a mutation only if it is a String', () => {
    const publication = (args: string) => {
      const { schema } = schemaOf(`type Mutation { order(${args}): Published! @publish(exchange: "a") }`)
      const { idempotencyKey, arguments: own } = schema.publications.get('order') ?? {}
      return [idempotencyKey, [...(own?.keys() ?? [])]]
    }
    expect(publication('id: ID')).toEqual(['idempotencyKey', ['id']])
    expect(publication('idempotencyKey: String')).toEqual(['idempotencyKey', []])
    expect(publication('idempotencyKey: ID!')).toEqual([undefined, ['idempotencyKey']])
  })
})

test('remarks on what has no effect', () => {
  const sdl = `${orderField('', events('typeFrom: {header: "kind"}'))}
    type Line { sku(format: String): ID! }`
  expect(printedMistakes(sdl)).toEqual([
    'e.graphql:1:67: typeFrom has no effect: no type that Subscription.order returns has @eventType',
    'e.graphql:3:17: the arguments of Line.sku have no effect: only root fields have arguments that Warren reads',
  ])
})
