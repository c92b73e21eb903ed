import { expect, test } from '@jest/globals'
import { takes } from '../../src/client/subscription-client.ts'

const paged = 'query Page($after: Cursor) { history(after: $after) { cursor } }'
const live = 'subscription Live($id: ID!, $after: Cursor) { channel(clientId: $id, after: $after) { cursor } }'

test.each<[boolean, string, string?]>([
  [true, live],
  [true, live, 'Live'],
  [true, 'subscription($after: Cursor) { channel(after: $after) { cursor } }'],
  [true, `# a query\n${live}`],
  [true, 'subscription S($f: F = { a: [{ b: "}" }] }, $query: String, $after :Cursor) { a }'],
  [true, `fragment F on Query { subscription(after: 1) { a } } ${live}`],
  [true, 'subscription Live(\n  $id: ID! # of the client (required)\n  $after: Cursor\n) { a }', 'Live'],
  [true, 'subscription($text: String = "(a)", $after: Cursor) { a }'],
  [true, `${paged} ${live}`, 'Live'],
  [false, paged],
  [false, `${paged} ${live}`, 'Page'],
  [false, `${paged} subscription Live { a }`, 'Live'],
  [false, 'query($after: Cursor) { subscription(after: $after) { a } }'],
  [false, 'subscription S { a(text: "$after: 1", other: """ $after: """) { b } } # $after: Cursor'],
  [false, 'query Q($subscription: ID, $after: Cursor) { subscription(after: $after) { a } }'],
  [false, 'mutation M($after: Cursor) { a(after: $after) }'],
])('a subscription that takes $after: %s for %s', (isOne, query, ...[operationName]) => {
  expect(takes('after', { query, ...(operationName === undefined ? {} : { operationName }) })).toBe(isOne)
})
