import { type GraphQLInputType, getNamedType, isEnumType, isInputObjectType, isListType, isNonNullType } from 'graphql'
import { splitPointer } from '../../../core/json/json-pointer.ts'
import type { AllowRule, ClaimPath } from '../../model/event-schema.ts'
import type { SdlContext } from '../context.ts'
import type { DirectiveArguments } from '../directives/arguments.ts'
import { argumentNode, type DirectiveUse } from '../directives/uses.ts'
import { listed, quoted } from '../mistakes.ts'
import { isUnresolved } from '../type-system/type-builder.ts'
import { givenMembers, pointerProblem } from './places.ts'

export type OwnerUse = DirectiveUse<DirectiveArguments['owner']>
export type AllowUse = DirectiveUse<DirectiveArguments['allow']>

/** What a claim can equal: a claim is a string, an integer, a boolean, or a list of those. */
const claimable = ['ID', 'String', 'Int', 'Boolean', 'BigInt', 'UUID']

/** Reads `claim:`, a name or a JSON pointer. */
export function claimOf({ mistakes }: SdlContext, use: OwnerUse): ClaimPath | undefined {
  const { claim } = use.args
  if (claim === undefined || claim === null) return { kind: 'clientId' }
  const pointer = claimPointer(claim)
  if (pointer) return { kind: 'claim', pointer }
  mistakes.error(argumentNode(use, 'claim'), claimProblem(claim))
  return undefined
}

export function claimPointer(claim: string): string[] | undefined {
  if (claim === '') return undefined
  return claim.startsWith('/') ? splitPointer(claim) : [claim]
}

export function claimProblem(claim: string): string {
  return claim === ''
    ? 'expected the name of a claim or a JSON pointer to it, got an empty text'
    : pointerProblem('a claim', claim)
}

/** Reads `@owner` of an argument or an input field. `path` names it in messages. */
export function ownersOf(
  context: SdlContext,
  uses: readonly OwnerUse[],
  type: GraphQLInputType,
  path: string,
): ClaimPath[] {
  return uses.flatMap((use) => {
    const given = givenMembers(use.args)
    if (given.length > 0) {
      context.mistakes.error(
        use.node,
        `a place (${listed(given)}) in @owner is for subscription fields: on ${path} the value itself is compared`,
      )
      return []
    }
    if (!isClaimable(type)) {
      context.mistakes.error(
        use.node,
        `${path} has the type ${String(type)}, which cannot equal a claim: allowed are ${listed(claimable)}, enums and lists of these`,
      )
      return []
    }
    return claimOf(context, use) ?? []
  })
}

function isClaimable(type: GraphQLInputType): boolean {
  if (isUnresolved(type)) return true
  const item = isNonNullType(type) ? type.ofType : type
  const element = isListType(item) ? item.ofType : item
  const named = getNamedType(type)
  const isFlat = !isListType(isNonNullType(element) ? element.ofType : element)
  return isFlat && (isEnumType(named) || claimable.includes(named.name))
}

/** What the placeholders of a scope may name. */
export interface ScopeArguments {
  /** Undefined: no argument or input field is there. */
  typeOf(path: readonly string[]): GraphQLInputType | undefined
  readonly names: readonly string[]
}

/**
 * Reads `@allow` of a root field. `isOwned`: the field has `@owner` too. `args`: undefined for
 * other fields, where only fixed scopes are allowed.
 */
export function readAllow(
  context: SdlContext,
  uses: readonly AllowUse[],
  isOwned: boolean,
  args: ScopeArguments | undefined,
): AllowRule[] {
  return uses.map((use) => {
    const { scopes, anonymous } = use.args
    const { mistakes } = context
    if (anonymous && !args) {
      mistakes.error(use.node, '"anonymous" of @allow is for root fields: other fields take scopes only')
    } else if (anonymous && isOwned) {
      mistakes.error(
        use.node,
        '"anonymous: true" beside @owner: a caller without a token has no claim that @owner could compare',
      )
    } else if (anonymous && scopes.length > 0) {
      mistakes.error(
        use.node,
        'expected either scopes or "anonymous: true" in one @allow: a caller without a token has no scopes',
      )
    } else if (!args && scopes.length === 0) {
      mistakes.error(
        use.node,
        'expected scopes in @allow of a field that is no root field, such as scopes: ["orders:read"]',
      )
    }
    for (const scope of scopes) checkScope(context, use, scope, args)
    return { scopes, anonymous }
  })
}

function checkScope({ mistakes }: SdlContext, use: AllowUse, scope: string, args: ScopeArguments | undefined): void {
  const node = argumentNode(use, 'scopes')
  if (scope === '' || /\s/.test(scope)) {
    mistakes.error(
      node,
      `expected scopes without white space, such as ["orders:read", "orders:write"], got ${quoted(scope)}`,
    )
    return
  }
  const fixed = scope.replaceAll(/\{([A-Za-z_][\w.]*)\}/g, (_placeholder, path: string) => {
    if (!args) {
      mistakes.error(node, `{${path}} in the scope ${quoted(scope)}: only root fields have arguments`)
      return ''
    }
    const type = args.typeOf(path.split('.'))
    const named = type && getNamedType(type)
    if (!type || !named) {
      mistakes.error(node, `{${path}} in the scope ${quoted(scope)} names no argument: ${argumentList(args.names)}`)
    } else if (
      !isUnresolved(type) &&
      (isInputObjectType(named) || !(isEnumType(named) || claimable.includes(named.name)))
    ) {
      mistakes.error(
        node,
        `{${path}} in the scope ${quoted(scope)} has the type ${String(type)}: allowed are ${listed(claimable)} and enums`,
      )
    }
    return ''
  })
  if (/[{}]/.test(fixed)) {
    mistakes.error(node, `expected {argument} with the name of an argument in the scope ${quoted(scope)}`)
  }
}

export function argumentList(names: readonly string[]): string {
  return names.length === 0 ? 'the field has none' : `it has ${listed(names)}`
}
