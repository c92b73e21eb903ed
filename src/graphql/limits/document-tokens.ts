import type { DocumentNode } from 'graphql'

/**
 * The number of tokens that a parsed document keeps in memory. Comments count too, because the
 * locations of the nodes refer to all tokens.
 */
export function tokensIn({ loc }: DocumentNode): number {
  let tokens = 0
  for (let token = loc?.startToken; token; token = token.next ?? undefined) tokens += 1
  return tokens
}
