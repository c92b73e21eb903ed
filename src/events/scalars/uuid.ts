const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i

/** Whether the text has the form of RFC 9562 §4, in either case, of any version. */
export function isUuid(text: string): boolean {
  return uuid.test(text)
}
