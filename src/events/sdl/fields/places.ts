import { Kind } from 'graphql'
import { splitPointer } from '../../../core/json/json-pointer.ts'
import { maxShortStringBytes } from '../../../core/model/short-string.ts'
import type { Place } from '../../model/place.ts'
import type { SdlContext } from '../context.ts'
import type { PlaceArguments } from '../directives/arguments.ts'
import { argumentNode, type DirectiveUse } from '../directives/uses.ts'
import { type LocatedNode, listed, quoted } from '../mistakes.ts'

const placeKinds = ['body', 'envelope', 'header', 'word', 'property'] as const
/** These are of a delivery, not of the message that conditions are compared with. */
const deliveryProperties: readonly string[] = ['CURSOR', 'GAP', 'REMOVED']

/** A place that an author wrote, with the node of each member. */
export interface WrittenPlace {
  readonly args: PlaceArguments
  /** What it belongs to, such as `@match`. */
  readonly title: string
  readonly node: LocatedNode
  readonly nodeOf: (member: string) => LocatedNode
}

export function placeOfUse(use: DirectiveUse<PlaceArguments>): WrittenPlace {
  return {
    args: use.args,
    title: `@${use.node.name.value}`,
    node: use.node,
    nodeOf: (member) => argumentNode(use, member),
  }
}

/** The place in an argument of a directive, such as `typeFrom`. */
export function placeInArgument(use: DirectiveUse, name: string, args: PlaceArguments): WrittenPlace {
  const node = argumentNode(use, name)
  const { value } = use.node.arguments?.find((argument) => argument.name.value === name) ?? {}
  const fields = value?.kind === Kind.OBJECT ? value.fields : []
  return {
    args,
    title: `${name} of @${use.node.name.value}`,
    node,
    nodeOf: (member) => fields.find((field) => field.name.value === member)?.value ?? node,
  }
}

export function givenMembers(args: PlaceArguments): string[] {
  return placeKinds.filter((kind) => (args[kind] ?? undefined) !== undefined)
}

/**
 * Reads a place with at most one member. Undefined: it has none, or a mistake that is reported.
 * `isOutput`: `CURSOR` and `GAP` are allowed.
 */
export function readPlace(
  { mistakes }: SdlContext,
  { args, title, node, nodeOf }: WrittenPlace,
  { isOutput = false }: { isOutput?: boolean } = {},
): Place | undefined {
  const given = givenMembers(args)
  if (given.length > 1) {
    mistakes.error(node, `expected one of ${listed(placeKinds, 'or')} in ${title}, got ${listed(given)}`)
    return undefined
  }
  const { body, envelope, header, word, property } = args
  for (const [kind, pointer] of [
    ['body', body],
    ['envelope', envelope],
  ] as const) {
    if (typeof pointer !== 'string') continue
    const tokens = splitPointer(pointer)
    if (tokens) return { kind, pointer: tokens }
    mistakes.error(nodeOf(kind), pointerProblem(`${kind} of ${title}`, pointer))
    return undefined
  }
  if (typeof header === 'string') {
    const problem = headerProblem(header)
    if (problem === undefined) return { kind: 'header', name: header }
    mistakes.error(nodeOf('header'), `${problem} in header of ${title}`)
    return undefined
  }
  if (typeof word === 'string') return { kind: 'word', name: word }
  if (typeof property !== 'string') return undefined
  if (!isOutput && deliveryProperties.includes(property)) {
    mistakes.error(
      nodeOf('property'),
      `${property} is no property of a message for ${title}: it is allowed in @from only`,
    )
    return undefined
  }
  return { kind: 'property', property }
}

/** Like `readPlace`, but a place without a member is a mistake. */
export function requirePlace(context: SdlContext, place: WrittenPlace): Place | undefined {
  if (givenMembers(place.args).length > 0) return readPlace(context, place)
  context.mistakes.error(place.node, `expected one of ${listed(placeKinds, 'or')} in ${place.title}, got none`)
  return undefined
}

export function pointerProblem(what: string, pointer: string): string {
  return `expected a JSON pointer (RFC 6901) such as "/customer/id" for ${what}, got ${quoted(pointer)}`
}

function headerProblem(name: string): string | undefined {
  if (name === '') return 'expected the name of a header, got an empty text'
  const bytes = Buffer.byteLength(name)
  return bytes > maxShortStringBytes ? `expected at most ${maxShortStringBytes} bytes, got ${bytes}` : undefined
}
