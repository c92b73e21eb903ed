/** The type and subtype in lower case, without parameters: `application/json`. */
export function essenceOf(contentType: string): string {
  const end = contentType.indexOf(';')
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
}

/**
 * Whether this is a JSON MIME type of the WHATWG:
 * https://mimesniff.spec.whatwg.org/#json-mime-type
 */
export function isJsonType(contentType: string): boolean {
  if (contentType === 'application/json') return true
  const essence = essenceOf(contentType)
  return essence === 'application/json' || essence === 'text/json' || /^[^/]+\/[^/]+\+json$/.test(essence)
}

export function isTextType(contentType: string): boolean {
  return essenceOf(contentType).startsWith('text/')
}

/** The value of the parameter `charset`, without quotes; undefined if absent. */
export function charsetOf(contentType: string): string | undefined {
  const found = /;\s*charset\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;"']+))/i.exec(contentType)
  return found?.[1] ?? found?.[2] ?? found?.[3]
}
