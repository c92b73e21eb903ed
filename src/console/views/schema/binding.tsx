/** The exchange and the key of messages that a field reads. */
export function From({
  binding: { exchange, exchangeType, routingKey },
}: {
  binding: { readonly exchange: string; readonly exchangeType: string; readonly routingKey: string }
}) {
  const ignoresKeys = exchangeType === 'FANOUT' || exchangeType === 'HEADERS'
  return (
    <span className="sentence">
      {exchange}{' '}
      <span className="mono small muted">{ignoresKeys ? `(${exchangeType.toLowerCase()})` : routingKey}</span>
    </span>
  )
}
