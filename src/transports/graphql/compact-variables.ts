import { type DocumentNode, getOperationAST } from 'graphql'

/** As JSON, in characters: longer than any client id, cursor or policy. */
const maxLength = 1_024

type Values = Readonly<Record<string, unknown>>

/**
 * What an open subscription keeps of its coerced arguments, or of its variables: those that results
 * are made from are short. A value that is longer was looked at when the subscription began (a text
 * that is no cursor, say) and is null from there on, so that a client cannot have it held.
 */
export function keptValues(values: Values | null | undefined): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(values ?? {})) kept[name] = valuesWeight(value) <= maxLength ? value : null
  return kept
}

/** The variables that the operation declares: a client may send any others with them. */
export function declaredVariables(
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Values | null | undefined,
): Record<string, unknown> {
  const declared: Record<string, unknown> = {}
  for (const { variable } of getOperationAST(document, operationName)?.variableDefinitions ?? []) {
    const name = variable.name.value
    if (variables && Object.hasOwn(variables, name)) declared[name] = variables[name]
  }
  return declared
}

/** What a value takes, by its JSON, in characters. */
export function valuesWeight(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 0
  return JSON.stringify(value).length
}
