/**
 * Marks a root field that only operators may use. In a supergraph it is `@inaccessible`
 * (`events/federation/subgraph.ts`).
 */
export const operatorsOnly = { operatorsOnly: true } as const

/** Marks a subscription field with events of its own: it is executed for each subscriber. */
export const separateEvents = { separateEvents: true } as const
