import { type GraphQLInputType, getNullableType, isEnumType, isInputObjectType, isListType } from 'graphql'
import type { Template } from '../../model/event-schema.ts'
import { listed, quoted } from '../mistakes.ts'
import { isUnresolved } from '../type-system/type-builder.ts'
import { argumentList, claimPointer, claimProblem } from './access.ts'

/** The arguments that placeholders can name. */
export type ArgumentTypes = ReadonlyMap<string, GraphQLInputType>

const placeholder = /\{([^{}]*)\}/g
const argumentPath = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/
const scalarNames = ['ID', 'String', 'Int', 'Boolean']

/**
 * Reads a text with `{arg.path}` and `{claim:/pointer}`. `report` gets each mistake; then the
 * result is undefined.
 */
export function readTemplate(
  text: string,
  args: ArgumentTypes,
  report: (message: string) => void,
): Template | undefined {
  const template: Template[number][] = []
  const problems: string[] = []
  let taken = 0
  const addText = (part: string) => {
    if (/[{}]/.test(part)) {
      problems.push(`expected {argument}, {argument.field} or {claim:/pointer} in ${quoted(text)}, got a single brace`)
    }
    if (part !== '') template.push({ kind: 'text', text: part })
  }
  for (const match of text.matchAll(placeholder)) {
    addText(text.slice(taken, match.index))
    taken = match.index + match[0].length
    const part = readPlaceholder(match[1] ?? '', args)
    if (typeof part === 'string') problems.push(part)
    else template.push(part)
  }
  addText(text.slice(taken))
  for (const problem of problems) report(problem)
  return problems.length > 0 ? undefined : template
}

/** Returns the mistake as a text. */
function readPlaceholder(text: string, args: ArgumentTypes): Template[number] | string {
  if (text.startsWith('claim:')) {
    const claim = text.slice('claim:'.length)
    const pointer = claimPointer(claim)
    return pointer ? { kind: 'claim', pointer } : claimProblem(claim)
  }
  if (!argumentPath.test(text)) {
    return `expected {argument}, {argument.field} or {claim:/pointer}, got ${quoted(`{${text}}`)}`
  }
  const path = text.split('.')
  const type = typeAt(args, path)
  if (type === undefined) return `{${text}} names no argument of the field: ${argumentList([...args.keys()])}`
  const nullable = getNullableType(type)
  if (isUnresolved(type) || isEnumType(nullable) || scalarNames.includes(String(nullable))) {
    return { kind: 'argument', path }
  }
  return `{${text}} has the type ${String(type)}, which makes no text here: allowed are ${listed(scalarNames)} and enums`
}

/** The type of an argument, or of a field in it. */
export function typeAt(args: ArgumentTypes, [first = '', ...rest]: readonly string[]): GraphQLInputType | undefined {
  let type = args.get(first)
  for (const name of rest) {
    if (type && isUnresolved(type)) return type
    const object = type && getNullableType(type)
    if (!object || isListType(object) || !isInputObjectType(object)) return undefined
    const fields = object.getFields()
    type = Object.hasOwn(fields, name) ? fields[name]?.type : undefined
  }
  return type
}
