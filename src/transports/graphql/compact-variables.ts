import { type DocumentNode, getOperationAST } from 'graphql'

/** Length as JSON, in characters. Longer than any client id, cursor or policy. */
const maxLength = 1_024

type Values = Readonly<Record<string, unknown>>

/**
 * The arguments or variables that an open subscription keeps to make results from. The values that
 * results need are short. A longer value (for example an invalid cursor) was checked when the
 * subscription began. It is null from then on, so that a client cannot make the gateway hold it.
 */
export function compactValues(values: Values | null | undefined): Record<string, unknown> {
  const compact: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(values ?? {}))
    compact[name] = jsonLength(value) <= maxLength ? value : null
  return compact
}

/**
 * The variables that the operation declares. A client may send others with them; those are dropped.
 */
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

/** The length of a value as JSON, in characters. */
export function jsonLength(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 0
  return JSON.stringify(value).length
}
