import {
  type ASTNode,
  type ConstDirectiveNode,
  type DefinitionNode,
  DirectiveLocation,
  type InputValueDefinitionNode,
  Kind,
} from 'graphql'

/** A node of the SDL that directives can be written on. */
export interface DirectiveHolder {
  readonly node: ASTNode & { readonly directives?: readonly ConstDirectiveNode[] | undefined }
  readonly location: DirectiveLocation
  /** A schema coordinate, such as `Query.quote(sku:)`; empty for the schema. */
  readonly coordinate: string
}

/** Every place of a definition where directives can be written. */
export function* holdersOf(definition: DefinitionNode): Generator<DirectiveHolder> {
  switch (definition.kind) {
    case Kind.SCHEMA_DEFINITION:
    case Kind.SCHEMA_EXTENSION:
      yield { node: definition, location: DirectiveLocation.SCHEMA, coordinate: '' }
      return
    case Kind.SCALAR_TYPE_DEFINITION:
    case Kind.SCALAR_TYPE_EXTENSION:
      yield { node: definition, location: DirectiveLocation.SCALAR, coordinate: definition.name.value }
      return
    case Kind.UNION_TYPE_DEFINITION:
    case Kind.UNION_TYPE_EXTENSION:
      yield { node: definition, location: DirectiveLocation.UNION, coordinate: definition.name.value }
      return
    case Kind.ENUM_TYPE_DEFINITION:
    case Kind.ENUM_TYPE_EXTENSION: {
      const coordinate = definition.name.value
      yield { node: definition, location: DirectiveLocation.ENUM, coordinate }
      for (const node of definition.values ?? []) {
        yield { node, location: DirectiveLocation.ENUM_VALUE, coordinate: `${coordinate}.${node.name.value}` }
      }
      return
    }
    case Kind.INPUT_OBJECT_TYPE_DEFINITION:
    case Kind.INPUT_OBJECT_TYPE_EXTENSION: {
      const coordinate = definition.name.value
      yield { node: definition, location: DirectiveLocation.INPUT_OBJECT, coordinate }
      for (const node of definition.fields ?? []) {
        yield {
          node,
          location: DirectiveLocation.INPUT_FIELD_DEFINITION,
          coordinate: `${coordinate}.${node.name.value}`,
        }
      }
      return
    }
    case Kind.OBJECT_TYPE_DEFINITION:
    case Kind.OBJECT_TYPE_EXTENSION:
    case Kind.INTERFACE_TYPE_DEFINITION:
    case Kind.INTERFACE_TYPE_EXTENSION: {
      const isObject = definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.OBJECT_TYPE_EXTENSION
      const coordinate = definition.name.value
      yield {
        node: definition,
        location: isObject ? DirectiveLocation.OBJECT : DirectiveLocation.INTERFACE,
        coordinate,
      }
      for (const node of definition.fields ?? []) {
        const field = `${coordinate}.${node.name.value}`
        yield { node, location: DirectiveLocation.FIELD_DEFINITION, coordinate: field }
        yield* argumentHolders(node.arguments, field)
      }
      return
    }
    case Kind.DIRECTIVE_DEFINITION:
      yield* argumentHolders(definition.arguments, `@${definition.name.value}`)
      return
    default:
  }
}

function* argumentHolders(
  nodes: readonly InputValueDefinitionNode[] | undefined,
  owner: string,
): Generator<DirectiveHolder> {
  for (const node of nodes ?? []) {
    yield {
      node,
      location: DirectiveLocation.ARGUMENT_DEFINITION,
      coordinate: `${owner}(${node.name.value}:)`,
    }
  }
}
