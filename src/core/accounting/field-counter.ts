/** What a typed field made of the live messages of its exchanges, and what its clients received. */
export class FieldCounter {
  /** Messages with at least one subscription. */
  matched = 0
  /** Messages that their event type or a condition of the schema excluded. */
  filtered = 0
  /** Messages that do not fit the type of the field. */
  invalid = 0
  /** Events that were delivered to clients, live or in a replay. */
  delivered = 0
  /** Open subscriptions. */
  subscriptions = 0
}
