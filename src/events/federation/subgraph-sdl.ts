import {
  type ArgumentNode,
  type ConstDirectiveNode,
  type ConstValueNode,
  type DefinitionNode,
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  type NameNode,
  parse,
  print,
  printSchema,
  visit,
} from 'graphql'
import type { FederationMark, FederationMarks } from '../sdl/directives/federation.ts'

/**
 * The version of Apollo Federation that the SDL is written in. It has all directives that Warren
 * takes. https://specs.apollo.dev/federation/v2.3
 */
const specification = 'https://specs.apollo.dev/federation/v2.3'

/** Directives of federation that files may have; the first argument is the one that is printed. */
const imported = ['@key', '@shareable', '@inaccessible', '@tag', '@external', '@interfaceObject'] as const

export interface SubgraphSdlOptions {
  readonly marks: FederationMarks['uses']
  /** Types that each Warren gateway has in common: their fields are `@shareable`. */
  readonly valueTypes: ReadonlySet<string>
  /** Root fields that are not for clients of the supergraph, as `Query.trace`. */
  readonly inaccessible: ReadonlySet<string>
  /** Types that `_entities` resolves. The keys of others are `resolvable: false`. */
  readonly entityTypes: ReadonlySet<string>
}

/**
 * The SDL of a Federation 2 subgraph (`_service { sdl }`): the served schema without `_service` and
 * `_entities`, with the directives of federation and no others of the files.
 */
export function printSubgraph(schema: GraphQLSchema, options: SubgraphSdlOptions): string {
  const marks = marksByCoordinate(options)
  const document = parse(printSchema(schema), { noLocation: true })
  const link = `extend schema @link(url: "${specification}", import: ${JSON.stringify(imported)})`
  return `${link}\n\n${print(withMarks(document, marks))}\n`
}

function marksByCoordinate({
  marks,
  valueTypes,
  inaccessible,
  entityTypes,
}: SubgraphSdlOptions): ReadonlyMap<string, readonly ConstDirectiveNode[]> {
  const directives = new Map<string, ConstDirectiveNode[]>()
  const add = (coordinate: string, directive: ConstDirectiveNode) => {
    const known = directives.get(coordinate) ?? []
    // A team may have written the same.
    if (known.some((other) => print(other) === print(directive))) return
    directives.set(coordinate, [...known, directive])
  }
  for (const mark of marks) add(mark.coordinate, directiveOf(resolvable(mark, entityTypes)))
  for (const name of valueTypes) add(name, directiveOf({ name: 'shareable', args: {} }))
  for (const coordinate of inaccessible) add(coordinate, directiveOf({ name: 'inaccessible', args: {} }))
  return directives
}

/** A router must not ask for entities that no `@request` resolves. */
function resolvable(mark: FederationMark, entityTypes: ReadonlySet<string>): FederationMark {
  if (mark.name !== 'key') return mark
  const { resolvable: wanted, ...args } = mark.args
  const isResolved = wanted !== false && entityTypes.has(mark.coordinate)
  return { ...mark, args: isResolved ? args : { ...args, resolvable: false } }
}

function directiveOf({ name, args }: Pick<FederationMark, 'name' | 'args'>): ConstDirectiveNode {
  return { kind: Kind.DIRECTIVE, name: nameOf(name), arguments: Object.entries(args).map(argumentOf) }
}

function argumentOf([name, value]: readonly [string, unknown]): ArgumentNode & { readonly value: ConstValueNode } {
  return { kind: Kind.ARGUMENT, name: nameOf(name), value: valueOf(value) }
}

function valueOf(value: unknown): ConstValueNode {
  return typeof value === 'boolean' ? { kind: Kind.BOOLEAN, value } : { kind: Kind.STRING, value: String(value) }
}

function nameOf(value: string): NameNode {
  return { kind: Kind.NAME, value }
}

type Marked = { readonly directives?: readonly ConstDirectiveNode[] | undefined; readonly name: NameNode }

/** Schema coordinates: https://spec.graphql.org/draft/#sec-Schema-Coordinates. */
function withMarks(document: DocumentNode, marks: ReadonlyMap<string, readonly ConstDirectiveNode[]>): DocumentNode {
  const marked = <Node extends Marked>(node: Node, coordinate: string): Node => {
    const added = marks.get(coordinate)
    return added ? { ...node, directives: [...(node.directives ?? []), ...added] } : node
  }
  return visit(document, {
    // Specified since 2025, but composition libraries still refuse it.
    Directive: (node) => (node.name.value === 'oneOf' ? null : undefined),
    ObjectTypeDefinition: { leave: (node) => marked(membersOf(node), node.name.value) },
    InterfaceTypeDefinition: { leave: (node) => marked(membersOf(node), node.name.value) },
    UnionTypeDefinition: { leave: (node) => marked(node, node.name.value) },
    ScalarTypeDefinition: { leave: (node) => marked(node, node.name.value) },
    EnumTypeDefinition: {
      leave: (node) => {
        const values = node.values?.map((value) => marked(value, `${node.name.value}.${value.name.value}`))
        return marked({ ...node, ...(values ? { values } : {}) }, node.name.value)
      },
    },
    InputObjectTypeDefinition: {
      leave: (node) => {
        const fields = node.fields?.map((field) => marked(field, `${node.name.value}.${field.name.value}`))
        return marked({ ...node, ...(fields ? { fields } : {}) }, node.name.value)
      },
    },
  })

  function membersOf<
    Node extends Extract<DefinitionNode, { kind: Kind.OBJECT_TYPE_DEFINITION | Kind.INTERFACE_TYPE_DEFINITION }>,
  >(node: Node): Node {
    const fields = node.fields?.map((field) => {
      const coordinate = `${node.name.value}.${field.name.value}`
      const args = field.arguments?.map((argument) => marked(argument, `${coordinate}(${argument.name.value}:)`))
      return marked({ ...field, ...(args ? { arguments: args } : {}) }, coordinate)
    })
    return { ...node, ...(fields ? { fields } : {}) }
  }
}
