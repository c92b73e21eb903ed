import {
  type ASTNode,
  type DefinitionNode,
  type FieldDefinitionNode,
  Kind,
  type Location,
  type NameNode,
  parse,
  Source,
  visit,
} from 'graphql'
import type { SdlFile } from '../sdl/source-files.ts'

/** The team's SDL, of which parts are shown as they were written. */
export class WrittenSdl {
  readonly #definitions: readonly DefinitionNode[]
  readonly #next: ReadonlyMap<string, ReadonlySet<string>>

  /** `files`: read without mistakes. */
  constructor(files: readonly SdlFile[]) {
    this.#definitions = files.flatMap(({ path, text }) => {
      // graphql-js requires a name, and cannot parse a file without definitions.
      const source = new Source(text, path === '' ? '(unnamed)' : path)
      return /^\s*(#.*\s*)*$/.test(text) ? [] : parse(source).definitions
    })
    this.#next = neighboursOf(this.#definitions)
  }

  /**
   * A subscription field and every type of the team that it reaches, as they were written. Empty if
   * the files have no such field.
   */
  ofField(name: string): string {
    const field = this.#subscriptionFields().find((one) => one.name.value === name)
    if (!field) return ''
    const types = this.#reachedFrom(field)
    const parts = this.#definitions.filter((node) => isTypeNode(node) && types.has(node.name.value))
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

  /** The names of the types, and of those that implement an interface among them. */
  #reachedFrom(field: FieldDefinitionNode): ReadonlySet<string> {
    const reached = new Set(namesIn(field))
    // A set visits what is added meanwhile.
    for (const name of reached) for (const next of this.#next.get(name) ?? []) reached.add(next)
    reached.delete('Subscription')
    return reached
  }
}

/** By the name of a type: the types that it names, and those that implement it. */
function neighboursOf(definitions: readonly DefinitionNode[]): ReadonlyMap<string, ReadonlySet<string>> {
  const next = new Map<string, Set<string>>()
  const add = (from: string, to: string): void => {
    const known = next.get(from) ?? new Set()
    next.set(from, known.add(to))
  }
  for (const node of definitions.filter(isTypeNode)) {
    const name = node.name.value
    for (const inner of namesIn(node)) add(name, inner)
    for (const one of 'interfaces' in node ? (node.interfaces ?? []) : []) add(one.name.value, name)
  }
  return next
}

/** The types that a definition names. */
function namesIn(node: ASTNode): readonly string[] {
  const names: string[] = []
  visit(node, { NamedType: ({ name }) => void names.push(name.value) })
  return names
}

type TypeNode = DefinitionNode & { readonly name: NameNode }

function isTypeNode(node: DefinitionNode): node is TypeNode {
  return 'name' in node && node.name !== undefined && node.kind !== Kind.DIRECTIVE_DEFINITION
}

function written(location: Location | undefined): string {
  return location === undefined ? '' : location.source.body.slice(location.start, location.end)
}
