import { type DefinitionNode, type FieldDefinitionNode, Kind, type Location, parse, Source, visit } from 'graphql'
import type { SdlFile } from '../sdl/source-files.ts'

/** The team's SDL, of which parts are shown as they were written. */
export class WrittenSdl {
  readonly #definitions: readonly DefinitionNode[]

  /** `files`: read without mistakes. */
  constructor(files: readonly SdlFile[]) {
    this.#definitions = files.flatMap(({ path, text }) => {
      // graphql-js requires a name, and cannot parse a file without definitions.
      const source = new Source(text, path === '' ? '(unnamed)' : path)
      return /^\s*(#.*\s*)*$/.test(text) ? [] : parse(source).definitions
    })
  }

  /**
   * A subscription field and every type of the team that it reaches, as they were written. Empty if
   * the files have no such field.
   */
  ofField(name: string): string {
    const field = this.#subscriptionFields().find((one) => one.name.value === name)
    if (!field) return ''
    const types = this.#reachedFrom(field)
    const parts = this.#definitions.filter((node) => 'name' in node && node.name && types.has(node.name.value))
    return [`type Subscription {\n  ${written(field.loc)}\n}`, ...parts.map(({ loc }) => written(loc))].join('\n\n')
  }

  #subscriptionFields(): readonly FieldDefinitionNode[] {
    return this.#definitions.flatMap((node) =>
      (node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.OBJECT_TYPE_EXTENSION) &&
      node.name.value === 'Subscription'
        ? (node.fields ?? [])
        : [],
    )
  }

  /** The names of types in the order in which they are reached, each once. */
  #reachedFrom(field: FieldDefinitionNode): ReadonlySet<string> {
    const reached = new Set<string>()
    const visitor = {
      NamedType: ({ name }: { readonly name: { readonly value: string } }): void => {
        if (reached.has(name.value)) return
        reached.add(name.value)
        for (const node of this.#definitions) {
          if (isTypeNode(node) && node.name.value === name.value) visit(node, visitor)
        }
      },
    }
    visit(field, visitor)
    reached.delete('Subscription')
    return reached
  }
}

function isTypeNode(node: DefinitionNode): node is DefinitionNode & { readonly name: { readonly value: string } } {
  return 'name' in node && node.name !== undefined && node.kind !== Kind.DIRECTIVE_DEFINITION
}

function written(location: Location | undefined): string {
  return location === undefined ? '' : location.source.body.slice(location.start, location.end)
}
