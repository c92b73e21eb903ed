import { readPointer } from '../json/json-pointer.ts'
import { parseJson } from '../json/parse-json.ts'

/**
 * The claims of a verified token (RFC 7519 §4), for typed fields that compare them with events.
 * Kept as text, because most tokens are never asked.
 */
export class TokenClaims {
  readonly #text: string
  #value: { readonly of: unknown } | undefined

  /** `text`: the payload of the token, a JSON object. */
  constructor(text: string) {
    this.#text = text
  }

  /**
   * The claim at the path, with every digit of a number; undefined if the token has no such claim.
   */
  at(path: readonly string[]): unknown {
    this.#value ??= { of: parseJson(this.#text) }
    return readPointer(this.#value.of, path)
  }
}
