import {
  type DirectiveDefinitionNode,
  type DirectiveLocation,
  type EnumTypeDefinitionNode,
  type EnumTypeExtensionNode,
  type FieldDefinitionNode,
  type GraphQLArgumentConfig,
  GraphQLDirective,
  GraphQLEnumType,
  type GraphQLFieldConfig,
  type GraphQLInputFieldConfig,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLInterfaceType,
  GraphQLList,
  type GraphQLNamedType,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLScalarType,
  type GraphQLType,
  GraphQLUnionType,
  getNamedType,
  type InputValueDefinitionNode,
  isInputType,
  isInterfaceType,
  isObjectType,
  isOutputType,
  Kind,
  type NamedTypeNode,
  type NameNode,
  type TypeNode,
} from 'graphql'
import type { SdlContext } from '../context.ts'
import { listed, quoted } from '../mistakes.ts'
import type { Declarations, DeclaredType } from './declared-types.ts'
import type { KnownTypes } from './known-types.ts'

/** Stands for a type that has a mistake, so that what uses it can be checked further. */
const unresolved = new GraphQLScalarType({ name: '_Unresolved_' })

/** Whether the type has a mistake that was reported already. */
export function isUnresolved(type: GraphQLType): boolean {
  return getNamedType(type) === unresolved
}

type Parts<Node> = readonly (DeclaredType['parts'][number] & Node)[]

/**
 * Makes GraphQL types of the team's declarations. Every mistake is reported, and what has one is
 * left out or replaced, so that one mistake does not hide others. Default values are set later, by
 * `setDefaultValues`, because they need all types.
 */
export class TypeBuilder {
  readonly types = new Map<string, GraphQLNamedType>()
  readonly #context: SdlContext
  readonly #declarations: Declarations
  readonly #known: KnownTypes
  readonly #coreTypes: ReadonlySet<string>

  /** `coreTypes`: the names of Warren's own types that are served. */
  constructor(context: SdlContext, declarations: Declarations, known: KnownTypes, coreTypes: ReadonlySet<string>) {
    this.#context = context
    this.#declarations = declarations
    this.#known = known
    this.#coreTypes = coreTypes
    for (const [name, declared] of declarations.types) this.types.set(name, this.#typeOf(name, declared))
    for (const type of this.types.values()) {
      if ('getFields' in type) type.getFields()
      if ('getInterfaces' in type) type.getInterfaces()
      if ('getTypes' in type) type.getTypes()
    }
  }

  /** A root field with its declared arguments. */
  rootField(node: FieldDefinitionNode, owner: string): GraphQLFieldConfig<unknown, unknown> {
    return this.#field(node, owner)
  }

  /** A directive that the files define for operations, or for other tools. */
  directive(node: DirectiveDefinitionNode): GraphQLDirective {
    const name = node.name.value
    const args = this.#distinct(node.arguments ?? [], (argument) => `the argument ${argument} of @${name}`)
    return new GraphQLDirective({
      name,
      description: node.description?.value,
      locations: node.locations.map(({ value }) => value as DirectiveLocation),
      isRepeatable: node.repeatable,
      args: Object.fromEntries(
        args.map((argument) => [argument.name.value, this.#inputValue(argument, `@${name}(${argument.name.value}:)`)]),
      ),
      astNode: node,
    })
  }

  #typeOf(name: string, { node, parts }: DeclaredType): GraphQLNamedType {
    const common = {
      name,
      description: node.description?.value,
      astNode: node as never,
      extensionASTNodes: parts.slice(1) as never[],
    }
    const { uses } = this.#context
    switch (node.kind) {
      case Kind.SCALAR_TYPE_DEFINITION: {
        const specifiedByURL = parts.flatMap((part) => uses.of(part, 'specifiedBy'))[0]?.args.url
        // Any JSON value, with every digit of its numbers.
        const { serialize, parseValue, parseLiteral } = this.#known.json
        return new GraphQLScalarType({ ...common, specifiedByURL, serialize, parseValue, parseLiteral })
      }
      case Kind.OBJECT_TYPE_DEFINITION:
        return new GraphQLObjectType({
          ...common,
          interfaces: () => this.#interfaces(name, parts),
          fields: () => this.#fields(name, parts as Parts<{ fields?: readonly FieldDefinitionNode[] }>),
        })
      case Kind.INTERFACE_TYPE_DEFINITION:
        return new GraphQLInterfaceType({
          ...common,
          interfaces: () => this.#interfaces(name, parts),
          fields: () => this.#fields(name, parts as Parts<{ fields?: readonly FieldDefinitionNode[] }>),
        })
      case Kind.UNION_TYPE_DEFINITION:
        return new GraphQLUnionType({
          ...common,
          types: () => this.#members(name, parts),
        })
      case Kind.ENUM_TYPE_DEFINITION:
        return new GraphQLEnumType({
          ...common,
          values: this.#enumValues(name, parts as (EnumTypeDefinitionNode | EnumTypeExtensionNode)[]),
        })
      case Kind.INPUT_OBJECT_TYPE_DEFINITION:
        return new GraphQLInputObjectType({
          ...common,
          isOneOf: parts.some((part) => uses.has(part, 'oneOf')),
          fields: () => this.#inputFields(name, parts as Parts<{ fields?: readonly InputValueDefinitionNode[] }>),
        })
    }
  }

  #fields(owner: string, parts: Parts<{ fields?: readonly FieldDefinitionNode[] }>) {
    const nodes = parts.flatMap(({ fields = [] }) => fields)
    return Object.fromEntries(
      this.#distinct(nodes, (name) => `the field ${owner}.${name}`).map((node) => [
        node.name.value,
        this.#field(node, owner),
      ]),
    )
  }

  #field(node: FieldDefinitionNode, owner: string): GraphQLFieldConfig<unknown, unknown> {
    const path = `${owner}.${node.name.value}`
    const args = this.#distinct(node.arguments ?? [], (name) => `the argument ${name} of ${path}`)
    return {
      type: this.#outputType(node.type, path),
      args: Object.fromEntries(
        args.map((argument) => [argument.name.value, this.#inputValue(argument, `${path}(${argument.name.value}:)`)]),
      ),
      description: node.description?.value,
      deprecationReason: this.#context.uses.first(node, 'deprecated')?.args.reason,
      astNode: node,
    }
  }

  #inputFields(owner: string, parts: Parts<{ fields?: readonly InputValueDefinitionNode[] }>) {
    const nodes = parts.flatMap(({ fields = [] }) => fields)
    return Object.fromEntries(
      this.#distinct(nodes, (name) => `the field ${owner}.${name}`).map((node) => [
        node.name.value,
        this.#inputValue(node, `${owner}.${node.name.value}`),
      ]),
    )
  }

  #inputValue(node: InputValueDefinitionNode, path: string): GraphQLArgumentConfig & GraphQLInputFieldConfig {
    return {
      type: this.#inputType(node.type, path),
      description: node.description?.value,
      deprecationReason: this.#context.uses.first(node, 'deprecated')?.args.reason,
      astNode: node,
    }
  }

  #enumValues(owner: string, parts: readonly (EnumTypeDefinitionNode | EnumTypeExtensionNode)[]) {
    const nodes = parts.flatMap(({ values = [] }) => values)
    return Object.fromEntries(
      this.#distinct(nodes, (name) => `the enum value ${owner}.${name}`).map((node) => [
        node.name.value,
        {
          description: node.description?.value,
          deprecationReason: this.#context.uses.first(node, 'deprecated')?.args.reason,
          astNode: node,
        },
      ]),
    )
  }

  #interfaces(owner: string, parts: Parts<{ interfaces?: readonly NamedTypeNode[] }>): GraphQLInterfaceType[] {
    return this.#named(
      owner,
      'interface',
      parts.flatMap(({ interfaces = [] }) => interfaces),
    ).filter(isInterfaceType)
  }

  #members(owner: string, parts: Parts<{ types?: readonly NamedTypeNode[] }>): GraphQLObjectType[] {
    return this.#named(
      owner,
      'object',
      parts.flatMap(({ types = [] }) => types),
    ).filter(isObjectType)
  }

  #named(owner: string, kind: 'interface' | 'object', nodes: readonly NamedTypeNode[]): GraphQLNamedType[] {
    const fits = kind === 'interface' ? isInterfaceType : isObjectType
    return this.#distinct(nodes, (name) => `${name} in ${owner}`).flatMap((node) => {
      const type = this.#lookup(node)
      if (type === undefined) return []
      // `EventGap` is the member that stands for a gap; no other type of Warren is one.
      if (fits(type) && (type === this.#known.eventGap || this.types.has(type.name))) return type
      const article = kind === 'interface' ? 'an interface' : 'an object type'
      this.#context.mistakes.error(node, `expected ${article} of the files in ${owner}, got ${quoted(type.name)}`)
      return []
    })
  }

  #outputType(node: TypeNode, path: string): GraphQLOutputType {
    return this.#type(node, (type) => {
      if (isOutputType(type)) return undefined
      return `expected a type for output for ${path}, got the input type ${quoted(type.name)}: allowed are scalars, enums, object types, interfaces and unions`
    }) as GraphQLOutputType
  }

  #inputType(node: TypeNode, path: string): GraphQLInputType {
    return this.#type(node, (type) => {
      if (isInputType(type)) return undefined
      return `expected a type for input for ${path}, got ${quoted(type.name)}, which is for output: allowed are scalars, enums and input types`
    }) as GraphQLInputType
  }

  /** `problemOf`: what is wrong with a type at this place. */
  #type(node: TypeNode, problemOf: (type: GraphQLNamedType) => string | undefined): GraphQLType {
    if (node.kind === Kind.LIST_TYPE) return new GraphQLList(this.#type(node.type, problemOf))
    if (node.kind === Kind.NON_NULL_TYPE) {
      return new GraphQLNonNull(this.#type(node.type, problemOf) as GraphQLScalarType)
    }
    const type = this.#lookup(node)
    if (type === undefined) return unresolved
    const problem = problemOf(type)
    if (problem === undefined) return type
    this.#context.mistakes.error(node, problem)
    return unresolved
  }

  #lookup(node: NamedTypeNode): GraphQLNamedType | undefined {
    const name = node.name.value
    const type = this.types.get(name) ?? this.#known.byName.get(name)
    if (type) return type
    if (this.#declarations.refused.has(name)) return undefined
    const { mistakes } = this.#context
    if (this.#coreTypes.has(name)) {
      mistakes.error(
        node,
        `the type ${quoted(name)} is of Warren's own schema, which reads other values: of its types the files can use ${listed(this.#known.byName.keys())}`,
      )
    } else {
      mistakes.error(
        node,
        `unknown type ${quoted(name)}: define it, or use one of ${listed([...this.types.keys(), ...this.#known.byName.keys()], 'or')}`,
      )
    }
    return undefined
  }

  /** Reports names that are repeated or reserved, and leaves them out. */
  #distinct<Node extends { readonly name: NameNode }>(
    nodes: readonly Node[],
    describe: (name: string) => string,
  ): Node[] {
    const seen = new Set<string>()
    return nodes.filter((node) => {
      const name = node.name.value
      const { mistakes } = this.#context
      if (name.startsWith('__')) {
        mistakes.error(
          node.name,
          `the name ${quoted(name)} begins with "__", which GraphQL reserves for introspection: choose another name`,
        )
      } else if (seen.has(name)) {
        mistakes.error(node.name, `${describe(name)} is written twice: once is allowed`)
      } else {
        seen.add(name)
        return true
      }
      return false
    })
  }
}
