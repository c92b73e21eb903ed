import type { ConstDirectiveNode } from 'graphql'
import type { DirectiveNames } from './directives/links.ts'
import type { DirectiveUses } from './directives/uses.ts'
import type { MemberNames } from './mappings/member-names.ts'
import type { SdlMistakes } from './mistakes.ts'

/** What all readers of one set of files share. */
export interface SdlContext {
  readonly mistakes: SdlMistakes
  readonly names: DirectiveNames
  readonly uses: DirectiveUses
  /** How members of bodies are called, by `@naming`. */
  readonly memberNames: MemberNames
  /** `WARREN_EXCHANGE_MAP`: names of the SDL to names of RabbitMQ. */
  readonly exchangeMap: ReadonlyMap<string, string>
  /** The first word of the names of Warren's own exchanges. */
  readonly namespace: string
}

/** The name of a directive as the author wrote it, with `@`. */
export function written(node: ConstDirectiveNode): string {
  return `@${node.name.value}`
}
