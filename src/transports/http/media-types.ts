/** HTTP content negotiation, for handlers that can answer in several forms. */

interface Range {
  readonly value: string
  readonly quality: number
}

/** What a request without an `Accept` header accepts (RFC 9110 §12.5.1). */
const anything: readonly Range[] = [{ value: '*/*', quality: 1 }]

/**
 * How much a client wants this media type, from 0 (not at all) to 1. The most specific range of its
 * `Accept` that covers the type decides, whatever its case (RFC 9110 §12.5.1). Only UTF-8 is
 * served, so a range with another charset does not match. The parameters of a multipart type name a
 * form of it (`multipart/mixed;subscriptionspec=1.0`), except `boundary`. Other parameters are
 * ignored. A client that can read a multipart type names it, so no wildcard covers one.
 */
export function qualityOf(accept: string | undefined, type: string): number {
  const ranges = rangesOf(accept) ?? anything
  const [family] = type.split('/')
  for (const value of family === 'multipart' ? [type] : [type, `${family}/*`, '*/*']) {
    const found = ranges.filter((range) => range.value === value)
    if (found.length > 0) return Math.max(...found.map(({ quality }) => quality))
  }
  return 0
}

/** Whether the client names this type, not only a range that covers it. */
export function names(accept: string | undefined, type: string): boolean {
  return (rangesOf(accept) ?? []).some(({ value, quality }) => value === type && quality > 0)
}

/**
 * The type that the client wants most. If several are equal: the one that the client names first,
 * then the first of `offered`. Undefined if the client accepts none of them.
 */
export function preferred<Type extends string>(accept: string | undefined, offered: readonly Type[]): Type | undefined {
  const ranges = rangesOf(accept) ?? anything
  const rankOf = (type: string): number => {
    const rank = ranges.findIndex(({ value }) => value === type)
    return rank === -1 ? ranges.length : rank
  }
  let best: { type: Type; quality: number; rank: number } | undefined
  for (const type of offered) {
    const quality = qualityOf(accept, type)
    const rank = rankOf(type)
    if (quality === 0) continue
    if (!best || quality > best.quality || (quality === best.quality && rank < best.rank))
      best = { type, quality, rank }
  }
  return best?.type
}

/** The type that the client wants most. If several are equal: the first of `offered`. */
export function mostWanted(accept: string | undefined, offered: readonly string[]): string | undefined {
  let best: { type: string; quality: number } | undefined
  for (const type of offered) {
    const quality = qualityOf(accept, type)
    if (quality > (best?.quality ?? 0)) best = { type, quality }
  }
  return best?.type
}

/** How much a client wants a content coding (RFC 9110 §12.5.3), from 0 to 1. */
export function qualityOfCoding(acceptEncoding: string | undefined, coding: string): number {
  const ranges = rangesOf(acceptEncoding) ?? []
  const named = ranges.find(({ value }) => value === coding) ?? ranges.find(({ value }) => value === '*')
  return named?.quality ?? 0
}

/**
 * Undefined if the header is missing or empty. An invalid quality counts as 1, as in most servers.
 */
function rangesOf(header: string | undefined): Range[] | undefined {
  if (header === undefined || header.trim() === '') return undefined
  return partsOf(header, ',').flatMap((part) => {
    const [value = '', ...parameters] = partsOf(part, ';').map((each) => each.trim().toLowerCase())
    let quality = 1
    let form = ''
    for (const parameter of parameters) {
      const [name = '', text = ''] = parameter.split('=', 2).map((each) => each.trim().replace(/^"(.*)"$/, '$1'))
      if (name === 'q') quality = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 1
      else if (name === 'charset' ? !/^utf-?8$/.test(text) : value.startsWith('multipart/') && name !== 'boundary')
        form += `;${name}=${text}`
    }
    return value === '' ? [] : [{ value: value + form, quality }]
  })
}

/** Splits at a separator that is not within quotes (RFC 9110 §5.6.4). */
function partsOf(text: string, separator: ',' | ';'): string[] {
  if (!text.includes('"')) return text.split(separator)
  return text.match(separator === ',' ? /(?:"(?:[^"\\]|\\.)*"?|[^,"])+/g : /(?:"(?:[^"\\]|\\.)*"?|[^;"])+/g) ?? []
}
