import { expect, test } from '@jest/globals'
import { WrittenSdl } from '../../../src/events/describing/field-sdl.ts'

const files = [
  { path: 'comments.graphql', text: ' \n# Nothing yet.\n\n# Nothing at all.' },
  { path: 'empty.graphql', text: '\n' },
  {
    path: 'a.graphql',
    text: `extend schema @link(url: "https://example.com/a")
directive @Order(hidden: Hidden) on FIELD_DEFINITION
input Hidden { id: ID }
type Before { changed: Hidden }
extend type Subscription {
  changed(state: State): Change @events(exchange: "a") # every change
  other: Other @events(exchange: "b")
}
interface Change { id: ID! }
type Paid implements Change { id: ID!  order: Order }
"Refers to itself."
type Order {
  parent: Order   # kept as written
}
type Other { id: ID! }`,
  },
  { path: 'b.graphql', text: 'enum State { PAID }\nextend type Order { state: State }' },
]

test('shows a field with all types that it reaches, in files and order as written', () => {
  expect(new WrittenSdl(files).ofField('changed')).toBe(`type Subscription {
  changed(state: State): Change @events(exchange: "a")
}

interface Change { id: ID! }

type Paid implements Change { id: ID!  order: Order }

"Refers to itself."
type Order {
  parent: Order   # kept as written
}

enum State { PAID }

extend type Order { state: State }`)
})

test('is empty for a field that the files do not have', () => {
  expect(new WrittenSdl(files).ofField('missing')).toBe('')
})

test('follows a chain of thousands of types', () => {
  const count = 3_000
  const chain = Array.from({ length: count }, (_, n) => `type T${n} { next: T${n + 1} }`).join('\n')
  const text = `type Subscription { first: T0 }\n${chain}\ntype T${count} { id: ID }`
  expect(new WrittenSdl([{ path: '', text }]).ofField('first')).toContain(`type T${count} { id: ID }`)
})
