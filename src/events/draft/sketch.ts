import { escapedCharacter, hiddenIn, visibleJson } from '../../core/body/invisible-characters.ts'

/** SDL to be: what inference and import write, before it is text. */
export interface SchemaSketch {
  /** Comment lines at the top of the file. */
  readonly remarks: readonly string[]
  readonly subscriptions: readonly SubscriptionSketch[]
  readonly types: readonly TypeSketch[]
}

/** A field, an argument or an enum value. */
export interface FieldSketch {
  readonly name: string
  /** With its wrappers: `[Line!]!`. Empty for an enum value. */
  readonly type: string
  readonly directives: readonly string[]
  readonly description?: string | undefined
  /** At the end of the line, for readers of the file; clients do not see it. */
  readonly comment?: string | undefined
}

export interface SubscriptionSketch extends FieldSketch {
  readonly arguments: readonly FieldSketch[]
}

export type TypeSketch = ObjectSketch | EnumSketch | UnionSketch

export interface ObjectSketch {
  readonly kind: 'type'
  readonly name: string
  readonly directives: readonly string[]
  readonly description?: string | undefined
  /** Comment lines above the type. */
  readonly remarks: readonly string[]
  readonly fields: readonly FieldSketch[]
}

export interface EnumSketch {
  readonly kind: 'enum'
  readonly name: string
  readonly description?: string | undefined
  readonly values: readonly FieldSketch[]
}

export interface UnionSketch {
  readonly kind: 'union'
  readonly name: string
  /** Comment lines above the type. */
  readonly remarks: readonly string[]
  readonly members: readonly string[]
}

/** In the remarks of every draft. */
export const withoutAccess =
  'Without @owner or @allow only operators and tokens with the scope event:<field> may subscribe.'

/** What a nullable event field means to clients: rule 3 of docs/guides/typed-events.md. */
export const gapDescription = 'Null means: events are missing here (a gap); read the state again.'

const maxColumns = 120

export function printSketch({ remarks, subscriptions, types }: SchemaSketch): string {
  const parts = [
    ...(remarks.length > 0 ? [comments(remarks, '')] : []),
    `type Subscription {\n${subscriptions.map(printSubscription).join('\n\n')}\n}`,
    ...types.map(printType),
  ]
  return `${parts.join('\n\n')}\n`
}

function printSubscription({ arguments: args, ...field }: SubscriptionSketch): string {
  const list = args.length === 0 ? '' : `(\n${args.map((argument) => line(argument, '    ')).join('\n')}\n  )`
  const directives = field.directives.join(' ')
  const head = `  ${field.name}${list}: ${field.type}`
  const lastLine = head.slice(head.lastIndexOf('\n') + 1)
  const wide = lastLine.length + 1 + directives.length > maxColumns || field.directives.length > 1
  const tail = wide ? `\n    ${field.directives.join('\n    ')}` : ` ${directives}`
  return `${described(field.description, '  ')}${head}${field.directives.length === 0 ? '' : tail}`
}

function printType(type: TypeSketch): string {
  if (type.kind === 'union') return printUnion(type)
  const description = described(type.description, '')
  if (type.kind === 'enum') {
    return `${description}enum ${type.name} {\n${type.values.map((value) => line(value, '  ')).join('\n')}\n}`
  }
  const remarks = type.remarks.length === 0 ? '' : `${comments(type.remarks, '')}\n`
  const head = ['type', type.name, ...type.directives].join(' ')
  const heading = head.length > maxColumns ? [`type ${type.name}`, ...type.directives].join('\n  ') : head
  return `${remarks}${description}${heading} {\n${type.fields.map((field) => line(field, '  ')).join('\n')}\n}`
}

function printUnion({ name, remarks, members }: UnionSketch): string {
  const above = remarks.length === 0 ? '' : `${comments(remarks, '')}\n`
  const inOneLine = `union ${name} = ${members.join(' | ')}`
  return `${above}${inOneLine.length <= maxColumns ? inOneLine : `union ${name} =\n  | ${members.join('\n  | ')}`}`
}

/** A union, with a remark about fields that one selection cannot hold together (GraphQL §5.3.2). */
export function unionOf(name: string, members: readonly ObjectSketch[]): UnionSketch {
  const types = new Map<string, Set<string>>()
  for (const { fields } of members) {
    for (const field of fields) types.set(field.name, (types.get(field.name) ?? new Set()).add(field.type))
  }
  const unlike = [...types].filter(([, found]) => found.size > 1).map(([field]) => field)
  const remarks =
    unlike.length === 0 ? [] : [`Of other types in some members, so that clients need aliases: ${unlike.join(', ')}`]
  return { kind: 'union', name, remarks, members: members.map((member) => member.name) }
}

function line({ name, type, directives, description, comment }: FieldSketch, indent: string): string {
  const text = [type === '' ? name : `${name}: ${type}`, ...directives].join(' ')
  return `${described(description, indent)}${indent}${text}${comment === undefined ? '' : ` # ${comment}`}`
}

function described(description: string | undefined, indent: string): string {
  if (description === undefined || description.trim() === '') return ''
  const text = description.trim()
  const lines = text.split(/\r?\n/).map((one) => one.trimEnd())
  // A block string has no escapes but one.
  const isPlain = lines.length > 1 && !/"""|\\|[^\P{Cc}\n\r\t]/u.test(text) && hiddenIn(text) === undefined
  if (!isPlain) return `${indent}${literal(text)}\n`
  const mark = '"'.repeat(3)
  return `${indent}${mark}\n${lines.map((one) => (one === '' ? '' : indent + one)).join('\n')}\n${indent}${mark}\n`
}

function comments(lines: readonly string[], indent: string): string {
  return lines.map((text) => `${indent}#${text === '' ? '' : ` ${text}`}`).join('\n')
}

/** Whether GraphQL can hold the text: half a surrogate pair is no character of a document. */
export function isWritable(text: string): boolean {
  return !/\p{Cs}/u.test(text)
}

/** A string of GraphQL. Control characters and invisible ones are escaped. */
export function literal(text: string): string {
  return visibleJson(text.replace(/\p{Cs}/gu, '\uFFFD')).replace(/[\u007f-\u009f]/g, unicodeEscape)
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** A directive with the arguments that are given: `@from(body: "/a")`. */
export function directive(name: string, args: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(args).flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${value}`]))
  return given.length === 0 ? `@${name}` : `@${name}(${given.join(', ')})`
}

const maxExampleLength = 48

/** A text of a message for a comment, in one line. */
export function example(text: string): string {
  const characters = Array.from(text.slice(0, 2 * maxExampleLength))
  const isCut = characters.length > maxExampleLength || text.length > 2 * maxExampleLength
  const shown = isCut ? `${characters.slice(0, maxExampleLength - 1).join('')}…` : text
  return literal(shown)
}

/** Text from a document or message for a comment line. */
export function inComment(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, escapedCharacter)
}
