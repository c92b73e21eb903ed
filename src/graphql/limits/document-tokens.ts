import type { DocumentNode } from 'graphql'

/**
 * How many tokens a parsed document holds in memory, comments included: its places refer to all of
 * them.
 */
export function tokensIn({ loc }: DocumentNode): number {
  let tokens = 0
  for (let token = loc?.startToken; token; token = token.next ?? undefined) tokens += 1
  return tokens
}
