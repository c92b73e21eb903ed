/** A piece of a body, with its class for the colour. */
export interface Piece {
  readonly text: string
  readonly kind: 'key' | 'string' | 'number' | 'word' | 'plain'
  /** Where it begins in the body, in characters. */
  readonly at: number
}

const lexeme = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{},:]|\s+|./gsu

/**
 * Splits JSON into pieces and indents it. Works on the text, so that numbers keep the digits that
 * were published. Text that is no JSON comes back in one piece.
 */
export function jsonPieces(body: string, { indent = true } = {}): readonly Piece[] {
  if (!/^\s*[[{"\d-]|^\s*(?:true|false|null)\s*$/.test(body)) return [{ text: body, kind: 'plain', at: 0 }]
  const pieces: Piece[] = []
  const tokens = [...body.matchAll(lexeme)]
  let depth = 0
  for (const [index, { 0: text, index: at }] of tokens.entries()) {
    const isBlank = text.trim() === ''
    if (isBlank && indent) continue
    const closes = text === '}' || text === ']'
    const opens = text === '{' || text === '['
    const isEmpty = opens && /^\s*[\]}]/.test(body.slice(at + 1, at + 200))
    const afterEmpty = closes && /[[{]\s*$/.test(body.slice(Math.max(0, at - 200), at))
    if (closes) depth -= 1
    if (closes && indent && !afterEmpty)
      pieces.push({ text: `\n${'  '.repeat(Math.max(0, depth))}`, kind: 'plain', at })
    pieces.push({ text, kind: kindOf(text, tokens, index), at })
    if (opens) depth += 1
    if (!indent) continue
    if ((opens && !isEmpty) || text === ',')
      pieces.push({ text: `\n${'  '.repeat(Math.max(0, depth))}`, kind: 'plain', at })
    else if (text === ':') pieces.push({ text: ' ', kind: 'plain', at })
  }
  return pieces
}

function kindOf(text: string, tokens: readonly RegExpExecArray[], index: number): Piece['kind'] {
  if (text.startsWith('"') && text.length > 1) {
    const next = tokens.slice(index + 1, index + 3).find(({ 0: after }) => after.trim() !== '')
    return next?.[0] === ':' ? 'key' : 'string'
  }
  if (/^-?\d/.test(text)) return 'number'
  return /^(true|false|null)$/.test(text) ? 'word' : 'plain'
}

/** What is wrong with the text as JSON; undefined if it is valid. */
export function jsonProblem(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
