import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type FieldDefinitionNode,
  isTypeDefinitionNode,
  isTypeExtensionNode,
  Kind,
  type NameNode,
  type TypeDefinitionNode,
  type TypeExtensionNode,
} from 'graphql'
import { printShape } from '../directives/definitions.ts'
import { listed, quoted, type SdlMistakes } from '../mistakes.ts'

export const rootNames = ['Query', 'Mutation', 'Subscription'] as const
export type RootName = (typeof rootNames)[number]

/** A type of the team with its extensions. */
export interface DeclaredType {
  readonly node: TypeDefinitionNode
  readonly parts: readonly (TypeDefinitionNode | TypeExtensionNode)[]
}

/** The types and root fields of the team, each name once. */
export interface Declarations {
  readonly types: ReadonlyMap<string, DeclaredType>
  readonly roots: ReadonlyMap<RootName, readonly FieldDefinitionNode[]>
  readonly rootDescriptions: ReadonlyMap<RootName, string>
  /** Names of types that have a mistake, so that their uses are no further mistake. */
  readonly refused: ReadonlySet<string>
}

/** The names that the team cannot use. */
export interface TakenNames {
  /** Types that are known without declaration, and how they are defined. */
  readonly known: ReadonlyMap<string, () => string>
  /** Types of Warren's own schema for clients. */
  readonly types: ReadonlySet<string>
  /** Root fields of Warren's own schema for clients. */
  readonly fields: ReadonlyMap<RootName, ReadonlySet<string>>
}

/** Names that the federated SDL adds. */
const federationTypeNames = new Set(['_Any', '_Entity', '_Service', '_FieldSet'])
const federationFields = new Set(['_entities', '_service'])

export function readDeclarations(
  definitions: readonly DefinitionNode[],
  taken: TakenNames,
  mistakes: SdlMistakes,
): Declarations {
  return new DeclarationReader(taken, mistakes).read(definitions)
}

class DeclarationReader {
  readonly #taken: TakenNames
  readonly #mistakes: SdlMistakes
  readonly #types = new Map<string, { node: TypeDefinitionNode; parts: (TypeDefinitionNode | TypeExtensionNode)[] }>()
  readonly #roots = new Map<RootName, FieldDefinitionNode[]>(rootNames.map((name) => [name, []]))
  readonly #rootDescriptions = new Map<RootName, string>()
  readonly #refused = new Set<string>()
  readonly #directives = new Set<string>()

  constructor(taken: TakenNames, mistakes: SdlMistakes) {
    this.#taken = taken
    this.#mistakes = mistakes
  }

  read(definitions: readonly DefinitionNode[]): Declarations {
    for (const node of definitions) {
      if (node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION) this.#schema(node.operationTypes)
      else if (node.kind === Kind.DIRECTIVE_DEFINITION) this.#directive(node.name)
      else if (isTypeDefinitionNode(node)) this.#definition(node)
    }
    // Extensions may precede the definition.
    for (const node of definitions) if (isTypeExtensionNode(node)) this.#extension(node)
    return {
      types: this.#types,
      roots: this.#roots,
      rootDescriptions: this.#rootDescriptions,
      refused: this.#refused,
    }
  }

  #schema(operations: readonly { operation: string; type: { name: NameNode } }[] = []): void {
    for (const { operation, type } of operations) {
      const expected = operation.slice(0, 1).toUpperCase() + operation.slice(1)
      if (type.name.value === expected) continue
      this.#mistakes.error(
        type.name,
        `expected ${expected} as the ${operation} type, got ${quoted(type.name.value)}: the fields of the files join Warren's root types`,
      )
    }
  }

  #directive(name: NameNode): void {
    if (name.value.startsWith('__')) {
      this.#mistakes.error(name, `the name @${name.value} begins with "__", which GraphQL reserves for introspection`)
    } else if (this.#directives.has(name.value)) {
      this.#mistakes.error(name, `the directive @${name.value} is defined twice: once is allowed`)
    }
    this.#directives.add(name.value)
  }

  #definition(node: TypeDefinitionNode): void {
    const root = rootOf(node)
    if (root) {
      if (node.kind === Kind.OBJECT_TYPE_DEFINITION) {
        this.#rootFields(root, node)
        if (node.description) this.#rootDescriptions.set(root, node.description.value)
      } else {
        this.#mistakes.error(node, `${root} is a root type of GraphQL: expected "type ${root}"`)
      }
      return
    }
    const name = node.name.value
    const problem = this.#nameProblem(node)
    if (problem === undefined) {
      this.#types.set(name, { node, parts: [node] })
    } else if (problem !== '') {
      this.#mistakes.error(node.name, problem)
      this.#refused.add(name)
    }
  }

  /** Undefined: the name is free. Empty: the definition repeats what is known, and is left out. */
  #nameProblem(node: TypeDefinitionNode): string | undefined {
    const name = node.name.value
    if (name.startsWith('__')) {
      return `the name ${quoted(name)} begins with "__", which GraphQL reserves for introspection: choose another name`
    }
    const known = this.#taken.known.get(name)
    if (known) {
      if (node.kind === Kind.SCALAR_TYPE_DEFINITION && known().startsWith('scalar ')) return ''
      if (printShape(node) === known()) return ''
      return `${name} is known without declaration, and is defined as ${quoted(known().replaceAll(/\s+/g, ' '))}: leave it out or choose another name`
    }
    if (this.#taken.types.has(name)) {
      return `the name ${quoted(name)} is taken by Warren's own schema: choose another name, or leave that schema out with WARREN_CORE=off`
    }
    if (federationTypeNames.has(name)) {
      return `the name ${quoted(name)} is reserved for the federated schema: choose another name`
    }
    const first = this.#types.get(name)
    if (!first) return undefined
    const { file, line } = this.#mistakes.locationOf(first.node)
    return `the type ${quoted(name)} is defined twice, first in ${file}:${line}: write "extend" to add to it`
  }

  #extension(node: TypeExtensionNode): void {
    const root = rootOf(node)
    if (root) {
      if (node.kind === Kind.OBJECT_TYPE_EXTENSION) this.#rootFields(root, node)
      else this.#mistakes.error(node, `${root} is a root type of GraphQL: expected "extend type ${root}"`)
      return
    }
    const name = node.name.value
    const declared = this.#types.get(name)
    if (declared) {
      if (node.kind.startsWith(declared.node.kind.replace(/Definition$/, ''))) declared.parts.push(node)
      else
        this.#mistakes.error(
          node,
          `expected an extension of ${kindName(declared.node)} ${quoted(name)}, because it is defined so`,
        )
    } else if (this.#taken.known.has(name) || this.#taken.types.has(name)) {
      this.#mistakes.error(node.name, `${quoted(name)} is a type of Warren's own, which cannot be extended`)
    } else if (!this.#refused.has(name)) {
      const own = listed(this.#types.keys())
      this.#mistakes.error(
        node.name,
        `the type ${quoted(name)} is not defined and cannot be extended: ${own === '' ? 'no type is defined' : `defined are ${own}`}`,
      )
    }
  }

  #rootFields(root: RootName, node: RootNode): void {
    for (const { name } of node.interfaces ?? []) {
      this.#mistakes.error(name, `${root} is a root type and implements no interface`)
    }
    const fields = this.#roots.get(root) ?? []
    for (const field of node.fields ?? []) {
      const name = field.name.value
      const first = fields.find((other) => other.name.value === name)
      if (this.#taken.fields.get(root)?.has(name)) {
        this.#mistakes.error(
          field.name,
          `the field ${root}.${name} is taken by Warren's own schema: choose another name, or leave that schema out with WARREN_CORE=off`,
        )
      } else if (name.startsWith('__')) {
        this.#mistakes.error(
          field.name,
          `the name ${quoted(name)} begins with "__", which GraphQL reserves for introspection: choose another name`,
        )
      } else if (federationFields.has(name)) {
        this.#mistakes.error(
          field.name,
          `the name ${quoted(name)} is reserved for the federated schema: choose another name`,
        )
      } else if (first) {
        const { file, line } = this.#mistakes.locationOf(first)
        this.#mistakes.error(
          field.name,
          `the field ${root}.${name} is defined twice, first in ${file}:${line}: choose another name`,
        )
      } else {
        fields.push(field)
      }
    }
  }
}

interface RootNode {
  readonly fields?: readonly FieldDefinitionNode[]
  readonly interfaces?: readonly { readonly name: NameNode }[]
  readonly directives?: readonly ConstDirectiveNode[]
}

function rootOf({ name }: { name: NameNode }): RootName | undefined {
  return rootNames.find((root) => root === name.value)
}

/** `type`, `interface` and so on, as written in SDL. */
export function kindName({ kind }: TypeDefinitionNode): string {
  switch (kind) {
    case Kind.OBJECT_TYPE_DEFINITION:
      return 'type'
    case Kind.INTERFACE_TYPE_DEFINITION:
      return 'interface'
    case Kind.UNION_TYPE_DEFINITION:
      return 'union'
    case Kind.ENUM_TYPE_DEFINITION:
      return 'enum'
    case Kind.SCALAR_TYPE_DEFINITION:
      return 'scalar'
    case Kind.INPUT_OBJECT_TYPE_DEFINITION:
      return 'input'
  }
}
