/** What the mistake is, the SDL of `e.graphql` that has it, and every error that is printed. */
export type MistakeCase = readonly [what: string, sdl: string, printed: readonly string[]]
