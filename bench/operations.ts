/** The operations of the GraphQL subscribers. */
const one = 'data'

/** Ten operations of a user interface for one channel, each with other fields. */
const ten = [
  'data',
  'kind data',
  'cursor data',
  'clientId data',
  'data type contentType',
  'data messageId headers',
  'data exchange routingKey',
  'kind cursor clientId data redelivered',
  'data publishedAt receivedAt',
  'kind cursor clientId data type contentType messageId exchange routingKey redelivered receivedAt',
]

/** `selection`: instead of that of the only operation. */
export function operations(count: number, selection = one): readonly string[] {
  const selections = count === 1 ? [selection] : ten.slice(0, count)
  return selections.map(
    (selection, index) =>
      `subscription Channel${index}($clientId: ID!) { channel(clientId: $clientId) { ${selection} } }`,
  )
}
