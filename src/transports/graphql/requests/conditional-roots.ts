import {
  type DirectiveNode,
  type DocumentNode,
  GraphQLError,
  Kind,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'

/**
 * Refuses `@skip` and `@include` at the root of a subscription (GraphQL specification, September
 * 2025, §5.2.4.1), because without a root field there are no events. graphql-js 16 fails at them
 * instead, within its own validation, so this comes before it.
 */
export const noConditionalRoots: Plugin = {
  onValidate({ params: { documentAST }, setResult }) {
    const errors = conditionalRoots(documentAST as DocumentNode)
    if (errors.length > 0) setResult(errors)
  },
}

function conditionalRoots(document: DocumentNode): GraphQLError[] {
  const found: DirectiveNode[] = []
  const visited = new Set<string>()
  const visit = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      found.push(...(selection.directives ?? []).filter(isCondition))
      if (selection.kind === Kind.INLINE_FRAGMENT) visit(selection.selectionSet)
      if (selection.kind === Kind.FRAGMENT_SPREAD) visitFragment(selection.name.value)
    }
  }
  const visitFragment = (name: string): void => {
    if (visited.has(name)) return
    visited.add(name)
    for (const definition of document.definitions)
      if (definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name) visit(definition.selectionSet)
  }
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION && definition.operation === OperationTypeNode.SUBSCRIPTION)
      visit(definition.selectionSet)
  }
  return found.map((node) => {
    const message = `@${node.name.value}: not allowed at the root of a subscription, which needs exactly one field`
    return new GraphQLError(message, { nodes: node })
  })
}

function isCondition({ name }: DirectiveNode): boolean {
  return name.value === 'skip' || name.value === 'include'
}
