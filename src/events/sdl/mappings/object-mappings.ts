import {
  type GraphQLEnumType,
  type GraphQLField,
  type GraphQLInputObjectType,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import type { EnumMapping, FieldMapping, InputFieldMapping, ObjectMapping } from '../../model/event-schema.ts'
import { isTextPlace, type Place } from '../../model/place.ts'
import { type SdlContext, written } from '../context.ts'
import type { DirectiveName } from '../directives/arguments.ts'
import { argumentNode } from '../directives/uses.ts'
import { ownersOf, readAllow } from '../fields/access.ts'
import { placeOfUse, readPlace } from '../fields/places.ts'
import { quoted } from '../mistakes.ts'
import type { KnownTypes } from '../type-system/known-types.ts'
import { isUnresolved } from '../type-system/type-builder.ts'

/** How the values of the team's types are written in bodies. */
export interface TypeMappings {
  readonly objects: ReadonlyMap<string, ObjectMapping>
  readonly enums: ReadonlyMap<string, EnumMapping>
  readonly inputs: ReadonlyMap<string, ReadonlyMap<string, InputFieldMapping>>
  readonly eventTypes: ReadonlyMap<string, readonly string[]>
}

/** Directives that only root fields have. */
const rootDirectives: readonly DirectiveName[] = ['events', 'state', 'only', 'owner', 'publish', 'request']

export function readMappings(context: SdlContext, types: Iterable<GraphQLNamedType>, known: KnownTypes): TypeMappings {
  const all = [...types]
  const reader = new MappingReader(context, known)
  const enums = [...all.filter(isEnumType), known.overflowPolicy]
  return {
    objects: new Map(all.filter(isObjectType).map((type) => [type.name, reader.object(type)])),
    enums: new Map(enums.map((type) => [type.name, reader.enum(type)])),
    inputs: new Map(all.filter(isInputObjectType).map((type) => [type.name, reader.input(type)])),
    eventTypes: new Map(
      all.flatMap((type) => {
        if (isInterfaceType(type)) reader.checkInterface(type)
        const names = isObjectType(type) ? reader.eventTypes(type) : []
        return names.length === 0 ? [] : [[type.name, names] as const]
      }),
    ),
  }
}

class MappingReader {
  readonly #context: SdlContext
  readonly #known: KnownTypes

  constructor(context: SdlContext, known: KnownTypes) {
    this.#context = context
    this.#known = known
  }

  object(type: GraphQLObjectType): ObjectMapping {
    const { mistakes, uses } = this.#context
    const gaps: string[] = []
    return new Map(
      Object.values(type.getFields()).map((field) => {
        const path = `${type.name}.${field.name}`
        const node = field.astNode
        this.#refuse(field, rootDirectives, `is for root fields, and ${path} is none`)
        if (field.args.length > 0 && node) {
          mistakes.remark(
            node,
            `the arguments of ${path} have no effect: only root fields have arguments that Warren reads`,
          )
        }
        for (const { astNode } of field.args) {
          for (const name of ['match', 'owner'] as const) {
            for (const use of uses.of(astNode, name)) {
              mistakes.error(use.node, `${written(use.node)} is for arguments of root fields, and ${path} is none`)
            }
          }
        }
        const mapping: FieldMapping = {
          ...this.#placeOf(field, path),
          allow: readAllow(this.#context, uses.of(node, 'allow'), false, undefined),
          filterable: uses.of(node, 'filterable').length > 0,
        }
        if (mapping.place.kind === 'property' && mapping.place.property === 'GAP') {
          const [first] = gaps
          if (first !== undefined && node) {
            mistakes.error(node, `${path} and ${type.name}.${first} both take GAP: one field of a type does`)
          }
          gaps.push(field.name)
        }
        return [field.name, mapping]
      }),
    )
  }

  #placeOf(field: GraphQLField<unknown, unknown>, path: string): { place: Place; as: FieldMapping['as'] } {
    const { mistakes, memberNames, uses } = this.#context
    const use = uses.first(field.astNode, 'from')
    const named = getNamedType(field.type)
    const byName: Place = { kind: 'body', pointer: [memberNames(field.name)] }
    const written = use && readPlace(this.#context, placeOfUse(use), { isOutput: true })
    const place = written ?? byName
    if (isUnresolved(field.type)) return { place, as: undefined }
    const isGap = place.kind === 'property' && place.property === 'GAP'
    const at = use?.node ?? field.astNode ?? {}
    if (named === this.#known.eventGap && !isGap) {
      if (!use || written) mistakes.error(at, `${path} has the type EventGap, so it needs @from(property: GAP)`)
    } else if (isGap && String(field.type) !== 'EventGap') {
      mistakes.error(
        at,
        `${path} takes GAP: expected the type EventGap, nullable because most events are no gaps, got ${String(field.type)}`,
      )
    } else if (named === this.#known.published) {
      mistakes.error(at, `${path} has the type Published, which only fields with @publish return`)
    } else if (use && written && isTextPlace(written) && !isGap) {
      this.#checkText(field, written, path)
    }
    const as = use?.args.as ?? undefined
    if (use && as !== undefined && named.name !== 'DateTime') {
      mistakes.error(
        argumentNode(use, 'as'),
        `"as" turns a number into a DateTime: expected the type DateTime for ${path}, got ${String(field.type)}`,
      )
    }
    return { place, as }
  }

  #checkText(field: GraphQLField<unknown, unknown>, place: Place, path: string): void {
    const { mistakes, uses } = this.#context
    const use = uses.first(field.astNode, 'from')
    const type = isNonNullType(field.type) ? field.type.ofType : field.type
    if (!use) return
    if (isListType(type) || !isLeafType(type)) {
      mistakes.error(
        use.node,
        `a ${place.kind} is one text: expected a scalar or an enum for ${path}, got ${String(field.type)}`,
      )
    } else if (
      place.kind === 'property' &&
      place.property === 'CURSOR' &&
      !['Cursor', 'ID', 'String'].includes(type.name)
    ) {
      mistakes.error(
        use.node,
        `CURSOR is a Cursor: expected the type Cursor, ID or String for ${path}, got ${String(field.type)}`,
      )
    } else if (place.kind === 'property' && place.property === 'REMOVED' && type.name !== 'Boolean') {
      mistakes.error(
        use.node,
        `REMOVED is true where @state removes a key: expected the type Boolean for ${path}, got ${String(field.type)}`,
      )
    }
  }

  /** The fields of the object types decide. */
  checkInterface(type: GraphQLInterfaceType): void {
    for (const field of Object.values(type.getFields())) {
      this.#refuse(
        field,
        [...rootDirectives, 'from', 'allow', 'filterable'],
        `is for fields of object types: write it in the types that implement ${type.name}`,
      )
    }
  }

  #refuse(field: GraphQLField<unknown, unknown>, names: readonly DirectiveName[], why: string): void {
    const { mistakes, uses } = this.#context
    for (const name of names) {
      for (const use of uses.of(field.astNode, name)) mistakes.error(use.node, `${written(use.node)} ${why}`)
    }
  }

  eventTypes(type: GraphQLObjectType): string[] {
    const { mistakes, uses } = this.#context
    const names: string[] = []
    const nodes = [type.astNode, ...type.extensionASTNodes]
    for (const use of nodes.flatMap((node) => uses.of(node, 'eventType'))) {
      const { name } = use.args
      if (name === '') {
        mistakes.error(argumentNode(use, 'name'), `expected an event type, or "*" for every other, got an empty text`)
      } else if (names.includes(name)) {
        mistakes.error(use.node, `${type.name} stands for the event type ${quoted(name)} already`)
      } else {
        names.push(name)
      }
    }
    return names
  }

  enum(type: GraphQLEnumType): EnumMapping {
    const { mistakes, uses } = this.#context
    const byText = new Map<string, string>()
    const textOf = new Map<string, string>()
    let unknown: string | undefined
    for (const { name, astNode } of type.getValues()) {
      const use = uses.first(astNode, 'value')
      const is = use?.args.is ?? undefined
      if (use && is === undefined && !use.args.unknown) {
        mistakes.error(use.node, `expected is: or unknown: true in ${written(use.node)}`)
      }
      if (use?.args.unknown) {
        if (unknown !== undefined) {
          mistakes.error(
            use.node,
            `${type.name}.${unknown} takes every unknown value already: one value of an enum does`,
          )
        }
        unknown ??= name
      }
      const text = is ?? name
      const other = byText.get(text)
      if (other === undefined) byText.set(text, name)
      else {
        const at = use ? argumentNode(use, 'is') : (astNode ?? {})
        mistakes.error(
          at,
          `${type.name}.${other} and ${type.name}.${name} are both written ${quoted(text)}: a text stands for one value`,
        )
      }
      textOf.set(name, text)
    }
    return { byText, textOf, unknown }
  }

  input(type: GraphQLInputObjectType): ReadonlyMap<string, InputFieldMapping> {
    const { mistakes, memberNames, uses } = this.#context
    return new Map(
      Object.values(type.getFields()).map((field) => {
        const path = `${type.name}.${field.name}`
        const ownerUses = uses.of(field.astNode, 'owner')
        const owners = ownersOf(this.#context, ownerUses, field.type, path)
        const [first] = ownerUses
        if (first && field.astNode?.defaultValue) {
          mistakes.error(
            field.astNode.defaultValue,
            `${path} has @owner, so it cannot have a default value: what is absent is filled in from the claim`,
          )
        }
        if (first && type.isOneOf) {
          mistakes.error(
            first.node,
            `${path} has @owner, and ${type.name} is @oneOf: what is absent is filled in from the claim, and would be a second field`,
          )
        }
        return [field.name, { member: memberNames(field.name), owners }]
      }),
    )
  }
}
