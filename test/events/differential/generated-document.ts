import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isLeafType,
  isObjectType,
} from 'graphql'
import type { Seeded } from '../../ledger/seeded.ts'

/** A subscribe operation on the field `event`, and its variables. */
export interface GeneratedDocument {
  readonly text: string
  readonly variables: Readonly<Record<string, unknown>>
}

export function generatedDocument(random: Seeded, schema: GraphQLSchema): GeneratedDocument {
  const writer = new DocumentWriter(random, schema)
  const type = schema.getSubscriptionType()?.getFields()['event']?.type
  if (!type) throw new Error('no field event')
  const root = () => `event${writer.rootArguments()}${writer.subselection(type, 0)}`
  const alias = random.pick(['', 'renamed: ', '__proto__: '])
  let selection = `${alias}${root()}`
  if (random.next() < 0.2) selection = `... on Subscription { ${selection} }`
  if (random.next() < 0.2) selection += ` ${alias}${root()}`
  const variables: Record<string, unknown> = { id: '7', yes: true, no: false, digits: 3 }
  if (random.next() < 0.05) variables['yes'] = null
  if (random.next() < 0.05) variables['digits'] = null
  const definitions = '$id: ID, $yes: Boolean = true, $no: Boolean! = false, $absent: Boolean = false, $digits: Int'
  return { text: `subscription S(${definitions}) { ${selection} } ${writer.fragments.join(' ')}`, variables }
}

class DocumentWriter {
  readonly fragments: string[] = []
  readonly #random: Seeded
  readonly #schema: GraphQLSchema
  #open = 0

  constructor(random: Seeded, schema: GraphQLSchema) {
    this.#random = random
    this.#schema = schema
  }

  rootArguments(): string {
    return this.#random.pick(['', '(id: $id)', '(when: $yes)', '(id: "7", when: false)'])
  }

  subselection(type: GraphQLOutputType, depth: number): string {
    const named = getNamedType(type)
    return isLeafType(named) ? '' : ` ${this.#set(named, depth)}`
  }

  #set(type: GraphQLNamedType, depth: number): string {
    const count = 1 + Math.floor(this.#random.next() * (depth > 3 ? 2 : 5))
    const selections = Array.from({ length: count }, () => this.#selection(type, depth))
    return `{ ${selections.join(' ')} }`
  }

  #selection(type: GraphQLNamedType, depth: number): string {
    const dice = this.#random.next()
    if (dice < 0.12) return `${this.#alias()}__typename${this.#directives()}`
    if (dice < 0.3 && depth < 5) {
      const condition = this.#condition(type)
      return `...${condition ? ` on ${condition.name}` : ''}${this.#directives()} ${this.#set(condition ?? type, depth + 1)}`
    }
    if (dice < 0.42 && depth < 5) return this.#spread(type, depth)
    const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : []
    const usable = fields.filter((field) => depth < 5 || isLeafType(getNamedType(field.type)))
    if (usable.length === 0) return '__typename'
    const field = this.#random.pick(usable)
    const once = () =>
      `${field.name}${this.#arguments(field)}${this.#directives()}${this.subselection(field.type, depth + 1)}`
    const alias = this.#alias()
    // Merged: the same response key again.
    return this.#random.next() < 0.15 ? `${alias}${once()} ${alias}${once()}` : `${alias}${once()}`
  }

  #spread(type: GraphQLNamedType, depth: number): string {
    const condition = this.#condition(type) ?? type
    const name = `F${this.fragments.length}`
    if (this.fragments.length > 0 && this.#open === 0 && this.#random.next() < 0.3) {
      return `...F${Math.floor(this.#random.next() * this.fragments.length)}${this.#directives()}`
    }
    this.#open += 1
    this.fragments.push('')
    this.fragments[Number(name.slice(1))] = `fragment ${name} on ${condition.name} ${this.#set(condition, depth + 1)}`
    this.#open -= 1
    return `...${name}${this.#directives()}`
  }

  /** A type that the fragment may be on: a possible type, an interface, the type itself. */
  #condition(type: GraphQLNamedType): GraphQLNamedType | undefined {
    const shared = this.#schema.getType('Shared')
    const types: GraphQLNamedType[] = [type, ...(shared ? [shared] : [])]
    if (isAbstractType(type)) types.push(...this.#schema.getPossibleTypes(type))
    return this.#random.next() < 0.2 ? undefined : this.#random.pick(types)
  }

  #alias(): string {
    return this.#random.pick(['', '', '', 'one: ', 'two: ', 'constructor: ', '__proto__: '])
  }

  #arguments({ args }: GraphQLField<unknown, unknown>): string {
    const name = args[0]?.name
    if (name === undefined || this.#random.next() < 0.4) return ''
    if (name === 'n') return this.#random.pick(['(n: 1)', '(n: $digits)'])
    return this.#random.pick(['(unit: "km")', '(digits: $digits)', '(list: ["a", 7])', '(unit: null, digits: 2)'])
  }

  #directives(): string {
    if (this.#random.next() < 0.8) return ''
    return this.#random.pick([
      ' @include(if: $yes)',
      ' @skip(if: $no)',
      ' @include(if: false)',
      ' @skip(if: true)',
      ' @include(if: $absent)',
      ' @skip(if: $yes) @include(if: $yes)',
      ' @skip(if: false)',
    ])
  }
}
