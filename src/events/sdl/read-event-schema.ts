import { createHash } from 'node:crypto'
import {
  type DefinitionNode,
  type DirectiveDefinitionNode,
  type GraphQLField,
  GraphQLObjectType,
  type GraphQLSchema,
  Kind,
  validateSchema,
} from 'graphql'
import type { EventSchema } from '../model/event-schema.ts'
import type { SdlMistake } from '../model/place.ts'
import type { SdlContext } from './context.ts'
import { type FederationMarks, readFederation } from './directives/federation.ts'
import { DirectiveNames } from './directives/links.ts'
import { canonicalText, type DirectiveUses, takeDirectives, withoutKnownDefinitions } from './directives/uses.ts'
import type { FieldReading } from './fields/event-field.ts'
import { SdlExchanges } from './fields/exchanges.ts'
import { readRootFields } from './fields/root-fields.ts'
import { type MemberNames, memberNamesOf } from './mappings/member-names.ts'
import { readMappings } from './mappings/object-mappings.ts'
import { TypeReach } from './mappings/reach.ts'
import { listed, SdlMistakes } from './mistakes.ts'
import { parseFiles, type SdlFile } from './source-files.ts'
import { type RootName, readDeclarations, rootNames, type TakenNames } from './type-system/declared-types.ts'
import { setDefaultValues } from './type-system/default-values.ts'
import { FilterTypes } from './type-system/filter-types.ts'
import { copySchema, definitionOf, type KnownTypes, knownTypesOf } from './type-system/known-types.ts'
import {
  type CoreNames,
  type Displaced,
  displacedFields,
  reservedNames,
  withoutFields,
} from './type-system/operator-names.ts'
import { makeServedSchema, type ServedParts } from './type-system/served-schema.ts'
import { TypeBuilder } from './type-system/type-builder.ts'

export interface EventSchemaOptions {
  /** Warren's own schema. It is not changed. */
  readonly coreSchema: GraphQLSchema
  /** `WARREN_CORE`: whether Warren's own root fields and types are served. */
  readonly core: boolean
  /** `WARREN_EXCHANGE_MAP`: names of the SDL to names of RabbitMQ. */
  readonly exchangeMap: ReadonlyMap<string, string>
  /** `WARREN_NAMESPACE`: the first word of the names of Warren's own exchanges. */
  readonly namespace: string
}

/** `remarks` do not prevent serving. `mistakes` contains errors and remarks. */
export type EventSchemaReading =
  | (ReadFiles & { readonly remarks: readonly SdlMistake[] })
  | { readonly mistakes: readonly SdlMistake[] }

/**
 * Reads the team's SDL. Never throws because of what is in the files: all mistakes are returned at
 * once, sorted by file, line and column.
 */
export function readEventSchema(files: readonly SdlFile[], options: EventSchemaOptions): EventSchemaReading {
  const mistakes = new SdlMistakes(files.map(({ path }) => path))
  let read: ReadFiles | undefined
  try {
    read = readFiles(files, options, mistakes)
  } catch (error) {
    // Checks of graphql-js are recursive.
    if (!(error instanceof RangeError)) throw error
    mistakes.error({}, 'the types contain each other over more levels than can be checked: use fewer')
  }
  if (!read || mistakes.hasErrors) return { mistakes: mistakes.sorted() }
  return { ...read, remarks: mistakes.sorted() }
}

interface ReadFiles {
  readonly schema: EventSchema
  readonly federation: FederationMarks
  /** Warren's own schema, whole, of which `schema` has the types. */
  readonly core: GraphQLSchema
  /** Whether `schema` lacks fields of `core`. */
  readonly lacksCore: boolean
}

const noNames: CoreNames = { types: new Set(), fields: new Map() }

function readFiles(
  files: readonly SdlFile[],
  { coreSchema, core, exchangeMap, namespace }: EventSchemaOptions,
  mistakes: SdlMistakes,
): ReadFiles | undefined {
  const parsed = parseFiles(files, mistakes)
  // What a broken file defines would be missing in the others.
  if (mistakes.hasErrors) return undefined
  const names = new DirectiveNames(parsed, mistakes)
  const definitions = withoutKnownDefinitions(parsed, names, mistakes)
  const hash = createHash('sha256').update(canonicalText(definitions)).digest('hex').slice(0, 16)
  const uses = takeDirectives(definitions, names, mistakes)
  const memberNames = memberNamesIn(definitions, uses, mistakes)
  const context: SdlContext = { mistakes, names, uses, memberNames, exchangeMap, namespace }

  const copy = copySchema(coreSchema)
  const known = knownTypesOf(copy)
  const coreTypes = new Set(core ? Object.keys(copy.getTypeMap()) : [])
  const reserved = core ? reservedNames(copy) : noNames
  const declarations = readDeclarations(definitions, takenNames(known, reserved), mistakes)
  const builder = new TypeBuilder(context, declarations, known, coreTypes)
  const declared = new Map(rootNames.map((root) => [root, rootFieldsOf(builder, root, declarations.roots)]))
  const directives = definitions.filter(isDirectiveDefinition).map((node) => builder.directive(node))
  const rootArguments = [...declared.values()].flat().flatMap(({ args }) => args)
  setDefaultValues(context, builder.types.values(), [...rootArguments, ...directives.flatMap(({ args }) => args)])

  const mappings = readMappings(context, builder.types.values(), known)
  const reach = new TypeReach(builder.types.values())
  const isTakenType = (name: string) => builder.types.has(name) || known.byName.has(name) || reserved.types.has(name)
  const types = [...builder.types.values()]
  const filters = new FilterTypes({ context, mappings, reach, types, isTaken: isTakenType })
  filters.check()
  const exchanges = new SdlExchanges(context)
  const capturedWords = new Set<string>()
  const reading: FieldReading = {
    context,
    known,
    types: builder.types,
    exchanges,
    mappings,
    reach,
    filters,
    capturedWords,
  }
  const queryFields = new Set([
    ...(reserved.fields.get('Query') ?? []),
    ...(declared.get('Query') ?? []).map(({ name }) => name),
  ])
  const { served, events, publications, requests } = readRootFields(reading, declared, {
    queryField: (name) => queryFields.has(name),
    type: isTakenType,
  })
  const federation = readFederation(context, builder.types)
  const displaced = core ? displacedFields(copy, { roots: served, types }) : { fields: [], by: [] }
  if (displaced.fields.length > 0) remarkDisplaced(mistakes, displaced)
  const schema = checkedSchema(mistakes, {
    core: core ? withoutFields(copy, displaced.fields) : undefined,
    roots: served,
    rootDescriptions: declarations.rootDescriptions,
    types: builder.types.values(),
    directives,
    description: descriptionIn(definitions),
  })
  return (
    schema && {
      schema: { schema, hash, events, publications, requests, ...mappings },
      federation,
      core: copy,
      lacksCore: !core || displaced.fields.length > 0,
    }
  )
}

/** One remark for all, because a team may have many such names. */
function remarkDisplaced(mistakes: SdlMistakes, { fields, by }: Displaced): void {
  const names = listed(by.map(({ written }) => written))
  const left = listed(fields.map(({ root, name }) => `${root}.${name}`))
  mistakes.remark(
    by[0]?.node ?? {},
    `the operator API has the same names as ${names}, so its ${fields.length === 1 ? 'field' : 'fields'} ${left} ${fields.length === 1 ? 'is' : 'are'} left out of /graphql: operators find the whole API at /console/graphql, and at /graphql on the ops port`,
  )
}

function memberNamesIn(
  definitions: readonly DefinitionNode[],
  uses: DirectiveUses,
  mistakes: SdlMistakes,
): MemberNames {
  const [first, ...others] = definitions.flatMap((node) => uses.of(node, 'naming'))
  for (const { node } of others) mistakes.error(node, '@naming is written twice: once is allowed, for all files')
  return memberNamesOf(first?.args.case)
}

function takenNames(known: KnownTypes, reserved: CoreNames): TakenNames {
  return { known: new Map([...known.byName].map(([name, type]) => [name, () => definitionOf(type)])), ...reserved }
}

/** graphql-js makes the fields of an object type, which a root type of the team only is here. */
function rootFieldsOf(
  builder: TypeBuilder,
  root: RootName,
  roots: ReturnType<typeof readDeclarations>['roots'],
): readonly GraphQLField<unknown, unknown>[] {
  const nodes = roots.get(root) ?? []
  const fields = Object.fromEntries(nodes.map((node) => [node.name.value, builder.rootField(node, root)]))
  return Object.values(new GraphQLObjectType({ name: root, fields }).getFields())
}

function isDirectiveDefinition(node: DefinitionNode): node is DirectiveDefinitionNode {
  return node.kind === Kind.DIRECTIVE_DEFINITION
}

function descriptionIn(definitions: readonly DefinitionNode[]): string | undefined {
  return definitions.flatMap((node) => (node.kind === Kind.SCHEMA_DEFINITION ? (node.description?.value ?? []) : []))[0]
}

/** Checks what is left to check: the rules of GraphQL's type system. */
function checkedSchema(mistakes: SdlMistakes, parts: ServedParts): GraphQLSchema | undefined {
  const hadErrors = mistakes.hasErrors
  try {
    const schema = makeServedSchema(parts)
    for (const { message, nodes } of validateSchema(schema)) {
      // What was left out because of a mistake makes further ones.
      if (hadErrors && /_Unresolved_|must define one or more/.test(message)) continue
      mistakes.error(nodes?.[0] ?? {}, message.replace(/\.$/, ''))
    }
    return schema
  } catch (error) {
    if (error instanceof RangeError || !(error instanceof Error)) throw error
    if (!hadErrors) mistakes.error({}, error.message)
    return undefined
  }
}
