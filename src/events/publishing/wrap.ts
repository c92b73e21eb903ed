/** What replaces `"{body}"`, `"{messageId}"` and `"{now}"`. */
export interface WrapValues {
  readonly body: unknown
  readonly messageId: string
  /** RFC 3339. */
  readonly now: string
}

/**
 * Compiles the JSON of `wrap`. Only whole strings are replaced, at any depth; names of members are
 * not.
 */
export function wrapperOf(wrap: unknown): (values: WrapValues) => unknown {
  switch (wrap) {
    case '{body}':
      return ({ body }) => body
    case '{messageId}':
      return ({ messageId }) => messageId
    case '{now}':
      return ({ now }) => now
  }
  if (Array.isArray(wrap)) {
    const items = wrap.map(wrapperOf)
    return (values) => items.map((item) => item(values))
  }
  if (typeof wrap !== 'object' || wrap === null || Object.getPrototypeOf(wrap) !== Object.prototype) return () => wrap
  const members = Object.entries(wrap).map(([name, value]) => [name, wrapperOf(value)] as const)
  return (values) => {
    const object = Object.create(null) as Record<string, unknown>
    for (const [name, member] of members) object[name] = member(values)
    return object
  }
}
