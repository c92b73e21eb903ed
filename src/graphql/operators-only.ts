/**
 * Marks a root field that only operators may use. In a supergraph it is `@inaccessible`
 * (`events/federation/subgraph.ts`).
 */
export const operatorsOnly = { operatorsOnly: true } as const
