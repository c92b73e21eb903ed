import {
  type ASTNode,
  type ConstDirectiveNode,
  type DefinitionNode,
  type DirectiveDefinitionNode,
  type DirectiveLocation,
  type GraphQLDirective,
  isRequiredArgument,
  Kind,
} from 'graphql'
import { type LocatedNode, listed, quoted, type SdlMistakes } from '../mistakes.ts'
import type { DirectiveArguments, DirectiveName } from './arguments.ts'
import {
  federationDirectives,
  graphqlDirectives,
  printShape,
  repeatsDefinition,
  warrenDirectives,
} from './definitions.ts'
import { type DirectiveHolder, holdersOf } from './holders.ts'
import type { DirectiveNames, DirectiveOrigin, MeantDirective } from './links.ts'
import { readLiteral, unreadable } from './literal.ts'

/** A use of a directive that was read without a mistake. */
export interface DirectiveUse<Arguments = object> {
  readonly node: ConstDirectiveNode
  readonly args: Arguments
}

/** A use of a directive of federation, for the federated SDL. */
export interface FederationUse {
  /** A schema coordinate, such as `Query.quote(sku:)`; empty for the schema. */
  readonly coordinate: string
  /** Without renames. */
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
  readonly node: ConstDirectiveNode
  readonly holder: ASTNode
}

interface FoundUse {
  readonly name: string
  /** Undefined: it has a mistake. */
  readonly use: DirectiveUse | undefined
}

/** The directives of all nodes, taken out of the document. */
export class DirectiveUses {
  readonly federation: FederationUse[] = []
  readonly #byNode = new Map<ASTNode, FoundUse[]>()

  add(node: ASTNode, name: string, use: DirectiveUse | undefined): void {
    const uses = this.#byNode.get(node)
    if (uses) uses.push({ name, use })
    else this.#byNode.set(node, [{ name, use }])
  }

  /** Uses without mistakes. `node`: undefined for what Warren adds itself. */
  of<Name extends DirectiveName>(
    node: ASTNode | null | undefined,
    name: Name,
  ): readonly DirectiveUse<DirectiveArguments[Name]>[] {
    const found = (node && this.#byNode.get(node)) ?? []
    return found.flatMap((each) => (each.name === name && each.use ? each.use : [])) as unknown as DirectiveUse<
      DirectiveArguments[Name]
    >[]
  }

  first<Name extends DirectiveName>(
    node: ASTNode | null | undefined,
    name: Name,
  ): DirectiveUse<DirectiveArguments[Name]> | undefined {
    return this.of(node, name)[0]
  }

  /** Whether the directive is written there, with or without mistakes. */
  has(node: ASTNode | null | undefined, name: DirectiveName): boolean {
    return (node && this.#byNode.get(node)?.some((found) => found.name === name)) ?? false
  }

  /** Whether the directive is written there and one of its uses has a mistake. */
  hasMistake(node: ASTNode | null | undefined, name: DirectiveName): boolean {
    return (node && this.#byNode.get(node)?.some((found) => found.name === name && !found.use)) ?? false
  }
}

/** The node of an argument's value, else the directive: where a mistake in that value is. */
export function argumentNode({ node }: DirectiveUse, name: string): LocatedNode {
  return node.arguments?.find((argument) => argument.name.value === name)?.value ?? node
}

const definitionsOf: Readonly<Record<DirectiveOrigin, ReadonlyMap<string, GraphQLDirective>>> = {
  warren: warrenDirectives,
  federation: federationDirectives,
  graphql: graphqlDirectives,
}

/**
 * Leaves out what files may repeat of Warren and of federation: the definitions of directives, and
 * of their types.
 */
export function withoutKnownDefinitions(
  definitions: readonly DefinitionNode[],
  names: DirectiveNames,
  mistakes: SdlMistakes,
): DefinitionNode[] {
  return definitions.filter((node) => !isKnownDefinition(node, names, mistakes))
}

/** Checks and takes out all directives. Changes the nodes in place. */
export function takeDirectives(
  definitions: readonly DefinitionNode[],
  names: DirectiveNames,
  mistakes: SdlMistakes,
): DirectiveUses {
  const reader = new DirectiveReader(names, definitions.filter(isDirectiveDefinition), mistakes)
  for (const definition of definitions) for (const holder of holdersOf(definition)) reader.read(holder)
  return reader.uses
}

function isDirectiveDefinition(node: DefinitionNode): node is DirectiveDefinitionNode {
  return node.kind === Kind.DIRECTIVE_DEFINITION
}

/** Scalars and enums that files define for the directives of federation. */
const federationTypes = /^(?:_?FieldSet|(?:link|federation)__\w+)$/

function isKnownDefinition(node: DefinitionNode, names: DirectiveNames, mistakes: SdlMistakes): boolean {
  if (!isDirectiveDefinition(node)) {
    if (node.kind === Kind.SCALAR_TYPE_DEFINITION || node.kind === Kind.ENUM_TYPE_DEFINITION) {
      if (federationTypes.test(node.name.value)) return true
    }
    return repeatsDefinition(node)
  }
  const meant = names.meaningOf(node.name.value)
  if (!meant || meant.origin === 'graphql') return false
  if (meant.origin === 'federation') return true
  const renamed = { ...node, name: { ...node.name, value: meant.name } }
  if (repeatsDefinition(renamed)) return true
  const own = `@${node.name.value}`
  mistakes.error(
    node.name,
    `${own} is a directive of Warren, with another definition than this: leave the definition out, repeat what "warren schema print --directives" prints, or rename Warren's with extend schema @link(url: "https://warren.dev/warren/v1.0", import: [{name: "@${meant.name}", as: "@warren${capitalised(meant.name)}"}])`,
  )
  return true
}

function capitalised(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1)
}

/** Where a directive can be, in the words of messages. */
const locationNames: Readonly<Partial<Record<string, string>>> = {
  SCHEMA: 'the schema',
  SCALAR: 'scalars',
  OBJECT: 'object types',
  FIELD_DEFINITION: 'fields of object types',
  ARGUMENT_DEFINITION: 'arguments',
  INTERFACE: 'interfaces',
  UNION: 'unions',
  ENUM: 'enums',
  ENUM_VALUE: 'enum values',
  INPUT_OBJECT: 'input types',
  INPUT_FIELD_DEFINITION: 'fields of input types',
}

function locationsOf(locations: readonly (DirectiveLocation | string)[]): string {
  return listed(locations.map((location) => locationNames[location] ?? 'operations'))
}

class DirectiveReader {
  readonly uses = new DirectiveUses()
  readonly #names: DirectiveNames
  readonly #own: ReadonlyMap<string, DirectiveDefinitionNode>
  readonly #mistakes: SdlMistakes

  /** `own`: the definitions of directives in the files. */
  constructor(names: DirectiveNames, own: readonly DirectiveDefinitionNode[], mistakes: SdlMistakes) {
    this.#names = names
    this.#own = new Map(own.map((node) => [node.name.value, node]))
    this.#mistakes = mistakes
  }

  read(holder: DirectiveHolder): void {
    const { directives = [] } = holder.node
    if (directives.length === 0) return
    const seen = new Set<string>()
    for (const node of directives) {
      const name = node.name.value
      const meant = this.#names.meaningOf(name)
      const isRepeated = seen.has(name)
      seen.add(name)
      if (meant) this.#readKnown(holder, node, meant, isRepeated)
      else this.#checkOwn(holder, node, isRepeated)
    }
    Object.assign(holder.node, { directives: [] })
  }

  #readKnown(holder: DirectiveHolder, node: ConstDirectiveNode, meant: MeantDirective, isRepeated: boolean): void {
    const { origin, name } = meant
    const definition = definitionsOf[origin].get(name)
    if (!definition) return
    const written = `@${node.name.value}`
    let args: Record<string, unknown> | undefined
    if (!definition.locations.includes(holder.location)) {
      this.#mistakes.error(node, `${written} is for ${locationsOf(definition.locations)}`)
    } else if (isRepeated && !definition.isRepeatable) {
      this.#mistakes.error(node, `${written} is written twice here: once is allowed`)
    } else {
      args = this.#argumentsOf(node, definition)
    }
    this.uses.add(holder.node, name, args && { node, args })
    if (origin === 'federation' && args) {
      this.uses.federation.push({ coordinate: holder.coordinate, name, args, node, holder: holder.node })
    }
  }

  #argumentsOf(node: ConstDirectiveNode, definition: GraphQLDirective): Record<string, unknown> | undefined {
    const written = `@${node.name.value}`
    const args: Record<string, unknown> = {}
    let readable = true
    const report = (at: LocatedNode, message: string) => {
      readable = false
      this.#mistakes.error(at, message)
    }
    const given = new Set<string>()
    for (const argument of node.arguments ?? []) {
      const name = argument.name.value
      const known = definition.args.find((candidate) => candidate.name === name)
      if (!known) {
        const allowed = listed(definition.args.map((candidate) => candidate.name))
        report(
          argument,
          `unknown argument ${quoted(name)} of ${written}: allowed ${allowed === '' ? 'is none' : `are ${allowed}`}`,
        )
      } else if (given.has(name)) {
        report(argument, `${written} has the argument ${quoted(name)} twice`)
      } else {
        given.add(name)
        const value = readLiteral(argument.value, known.type, `${written}(${name}:)`, report)
        if (value !== unreadable) args[name] = value
      }
    }
    for (const known of definition.args) {
      if (given.has(known.name)) continue
      if (isRequiredArgument(known))
        report(node, `${written} lacks the argument ${quoted(known.name)}, which is required`)
      else if (known.defaultValue !== undefined) args[known.name] = known.defaultValue
    }
    return readable ? args : undefined
  }

  /** A directive that the files define themselves. Its uses are not served. */
  #checkOwn({ location }: DirectiveHolder, node: ConstDirectiveNode, isRepeated: boolean): void {
    const written = `@${node.name.value}`
    const definition = this.#own.get(node.name.value)
    if (!definition) {
      const known = listed([...warrenDirectives.keys()].map((name) => this.#names.written(name)))
      this.#mistakes.error(node, `unknown directive ${written}: Warren has ${known}; define it to use it`)
      return
    }
    const locations = definition.locations.map(({ value }) => value)
    if (!locations.includes(location)) this.#mistakes.error(node, `${written} is for ${locationsOf(locations)}`)
    if (isRepeated && !definition.repeatable) {
      this.#mistakes.error(node, `${written} is written twice here: once is allowed`)
    }
    for (const argument of node.arguments ?? []) {
      if (definition.arguments?.some(({ name }) => name.value === argument.name.value)) continue
      this.#mistakes.error(argument, `unknown argument ${quoted(argument.name.value)} of ${written}`)
    }
  }
}

/** Equal for files that mean the same, whatever their order, comments and descriptions. */
export function canonicalText(definitions: readonly DefinitionNode[]): string {
  return definitions.map(printShape).toSorted().join('\n')
}
