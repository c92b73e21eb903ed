import {
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLSchema,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import type { ChannelSubscription } from '../../core/delivery/channel-subscription.ts'
import type { EventField } from '../model/event-schema.ts'
import { Selections } from '../projection/collect-fields.ts'
import type { Projection } from '../projection/compiled-projection.ts'
import { OperationProjections } from '../projection/operation-projections.ts'
import type { EventContext } from './event-context.ts'
import type { EventFields } from './event-fields.ts'
import type { ServedEvents } from './served-events.ts'
import { subscribeToField } from './subscribe.ts'

type Variables = Readonly<Record<string, unknown>> | null | undefined

/** The subscribe operations on the fields of one schema. Each document is compiled once. */
export class TypedOperations {
  readonly served: ServedEvents
  readonly fields: EventFields
  readonly #operations = new WeakMap<DocumentNode, Map<string, TypedOperation | undefined>>()
  readonly #namedFields = new WeakMap<DocumentNode, ReadonlySet<string>>()
  readonly #isOther: (field: string) => boolean

  /**
   * `fields`: of the schema for which operations are compiled. `isOther`: whether a subscription
   * field is another one of the same name.
   */
  constructor(served: ServedEvents, fields: EventFields, isOther: (field: string) => boolean = () => false) {
    this.served = served
    this.fields = fields
    this.#isOther = isOther
  }

  /**
   * Undefined if the operation is no subscription to a typed field. The caller has validated the
   * document.
   */
  of(document: DocumentNode, operationName: string | null | undefined): TypedOperation | undefined {
    let operations = this.#operations.get(document)
    if (!operations) {
      operations = new Map()
      this.#operations.set(document, operations)
    }
    const key = operationName ?? ''
    if (!operations.has(key)) operations.set(key, this.#make(document, operationName))
    return operations.get(key)
  }

  /** As the function of this name, once for each document. */
  fieldsNamedIn(document: DocumentNode): ReadonlySet<string> {
    const known = this.#namedFields.get(document)
    if (known) return known
    const fields = fieldsNamedIn(this.fields.schema.schema, document)
    this.#namedFields.set(document, fields)
    return fields
  }

  #make(document: DocumentNode, operationName: string | null | undefined): TypedOperation | undefined {
    const operation = getOperationAST(document, operationName)
    if (operation?.operation !== OperationTypeNode.SUBSCRIPTION) return undefined
    const name = rootFieldName(document, operation)
    const field = name === undefined || this.#isOther(name) ? undefined : this.fields.schema.events.get(name)
    const definition = field && this.fields.schema.schema.getSubscriptionType()?.getFields()[field.name]
    return field && definition && new TypedOperation(this.served, this.fields, field, definition, document, operation)
  }
}

/** A subscribe operation on a typed field. */
export class TypedOperation {
  readonly field: EventField
  readonly fields: EventFields
  readonly document: DocumentNode
  readonly #served: ServedEvents
  readonly #schema: GraphQLSchema
  readonly #definition: GraphQLField<unknown, unknown>
  readonly #operation: OperationDefinitionNode
  readonly #projections: OperationProjections

  constructor(
    served: ServedEvents,
    fields: EventFields,
    field: EventField,
    definition: GraphQLField<unknown, unknown>,
    document: DocumentNode,
    operation: OperationDefinitionNode,
  ) {
    const { schema } = fields.schema
    this.field = field
    this.fields = fields
    this.#served = served
    this.#schema = schema
    this.#definition = definition
    this.document = document
    this.#operation = operation
    this.#projections = new OperationProjections(schema, document, operation.name?.value)
  }

  get operationName(): string | undefined {
    return this.#operation.name?.value
  }

  /**
   * The same projection for the same results. Undefined: graphql-js has to execute the operation.
   */
  projectionOf(variables: Variables): Projection | undefined {
    return this.#projections.of(variables)
  }

  /**
   * The coerced arguments of the field. Undefined if the variables are invalid, or exclude the
   * field; graphql-js then reports it.
   */
  argumentsOf(variables: Variables): Record<string, unknown> | undefined {
    const { coerced, errors } = getVariableValues(
      this.#schema,
      this.#operation.variableDefinitions ?? [],
      variables ?? {},
    )
    const root = this.#schema.getSubscriptionType()
    if (errors || !root) return undefined
    try {
      const selections = new Selections(this.#schema, this.document, coerced)
      const [nodes] = selections.collect([this.#operation.selectionSet], root).values()
      const [node] = nodes ?? []
      return node && getArgumentValues(this.#definition, node, coerced)
    } catch {
      return undefined
    }
  }

  /**
   * Subscribes with coerced arguments and the variables of the operation. Throws what
   * `Session.subscribeEvent` throws.
   */
  subscribe(args: Record<string, unknown>, variables: Variables, context: EventContext): ChannelSubscription {
    const selected = this.selectedFields(variables)
    return subscribeToField(
      this.#served,
      { fields: this.fields, field: this.field, args, selected, document: this.document },
      context,
    )
  }

  /** The fields below the root that the operation may select, as `Type.field`. */
  selectedFields(variables: Variables): ReadonlySet<string> {
    return this.projectionOf(variables)?.selectedFields ?? fieldsNamedIn(this.#schema, this.document)
  }
}

/** The name of the first field of the root, through fragments; directives are not looked at. */
function rootFieldName(document: DocumentNode, { selectionSet }: OperationDefinitionNode): string | undefined {
  const visited = new Set<string>()
  const find = (selections: OperationDefinitionNode['selectionSet']['selections']): FieldNode | undefined => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) return selection
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const found = find(selection.selectionSet.selections)
        if (found) return found
        continue
      }
      const name = selection.name.value
      if (visited.has(name)) continue
      visited.add(name)
      const fragment = document.definitions.find(
        (one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === name,
      )
      const found = fragment?.kind === Kind.FRAGMENT_DEFINITION ? find(fragment.selectionSet.selections) : undefined
      if (found) return found
    }
    return undefined
  }
  return find(selectionSet.selections)?.name.value
}

/**
 * Every field that the document names as `Type.field`, whatever its directives. A field of an
 * interface counts for each type that implements it, because the value may be of any of them.
 */
export function fieldsNamedIn(schema: GraphQLSchema, document: DocumentNode): ReadonlySet<string> {
  const fields = new Set<string>()
  const info = new TypeInfo(schema)
  visit(
    document,
    visitWithTypeInfo(info, {
      Field: ({ name }) => {
        const parent = info.getParentType()
        if (!parent) return
        const related = isObjectType(parent) ? parent.getInterfaces() : schema.getPossibleTypes(parent)
        for (const type of [parent, ...related])
          if ('getFields' in type && name.value in type.getFields()) fields.add(`${type.name}.${name.value}`)
      },
    }),
  )
  return fields
}
