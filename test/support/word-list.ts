import { parseSync } from '@swc/core'

/** Words that comments, test names and documentation do not use, each with the reason. */
export const wordReasons: ReadonlyMap<string, string> = new Map([
  ['hear', 'a client subscribes to a channel, and events are delivered to it'],
  ['heard', 'an event was delivered, a frame was received'],
  ['tell', 'name the act: log, report, answer, send'],
  ['told', 'name the act: logged, reported, answered, sent'],
  ['say', 'name the act: log, print, answer, contain'],
  ['says', 'name the act: logs, prints, answers, contains'],
  ['said', 'name the act: logged, printed, answered, contained'],
  ['whose', 'start a second sentence, or write "with", "of" or "its"'],
  ['whom', 'name the client, the publisher or the caller, and write what it does'],
  ['whoever', 'name the client, the publisher or the caller'],
  ['anew', 'write "again"'],
  ['stranger', 'write "anonymous client"'],
  ['nobody', 'write "no client", "no subscriber" or "anonymous"'],
  ['somebody', 'name the client, the publisher or the operator'],
])

const listed = new RegExp(`\\b(${[...wordReasons.keys()].join('|')})\\b`, 'gi')
const comment = /\/\*[\s\S]*?\*\/|(?<![:'"`\w])\/\/[^\n]*/g
const codeSpan = /(`+)[\s\S]*?\1/g
const codeBlock = /^( *)(```+|~~~+)[^\n]*\n[\s\S]*?^\1\2[^\n]*$/gm

/** A text that a reader reads, and the line where it begins. */
interface Prose {
  readonly line: number
  readonly text: string
}

/**
 * Returns one sentence for each listed word in what the files have for readers. A file is given as
 * path → text. For TypeScript and JavaScript that is comments and test names, for Markdown the text
 * outside code. Files of other kinds have none.
 */
export function listedWords(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([path, text]) =>
    proseOf(path, text).flatMap((prose) =>
      [...prose.text.matchAll(listed)].map(({ 0: word, index }) => {
        const line = prose.line + lineOf(prose.text, index) - 1
        return `${path}:${line}: “${word}”: ${wordReasons.get(word.toLowerCase())}`
      }),
    ),
  )
}

function proseOf(path: string, text: string): readonly Prose[] {
  if (path.endsWith('.md')) return [{ line: 1, text: blank(blank(text, codeBlock), codeSpan) }]
  if (!/\.m?[jt]s$/.test(path)) return []
  const comments = [...text.matchAll(comment)].map(({ 0: found, index }) => ({
    line: lineOf(text, index),
    text: blank(found, codeSpan),
  }))
  return path.endsWith('.test.ts') || path.endsWith('suite.ts') ? [...comments, ...testNames(text)] : comments
}

/** Removes what matches, but for its line ends: lines keep their numbers. */
function blank(text: string, pattern: RegExp): string {
  return text.replace(pattern, (found) => found.replace(/[^\n]+/g, ' '))
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

interface Node {
  readonly type: string
  readonly [key: string]: unknown
}

/**
 * Names given to `test` and `describe`, and the names in the first column of a table of
 * `test.each`.
 */
function testNames(text: string): Prose[] {
  const names: Prose[] = []
  const add = (node: unknown) => {
    for (const part of partsOf(node)) names.push({ line: lineOf(text, text.indexOf(part)), text: part })
  }
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const node = value as Node
    if (node.type === 'CallExpression' && /^(test|describe)\b/.test(nameOf(node['callee']))) {
      const [first] = node['arguments'] as { expression: Node }[]
      if (first?.expression.type === 'ArrayExpression')
        for (const row of elementsOf(first.expression)) add(firstOf(row))
      else add(first?.expression)
    }
    for (const inner of Object.values(value)) visit(inner)
  }
  visit(parseSync(text, { syntax: 'typescript', target: 'es2022', explicitResourceManagement: true } as never))
  return names
}

/** `test`, `test.each` and `test.each(…)` alike, as dotted names. */
function nameOf(callee: unknown): string {
  const node = callee as Node
  if (node.type === 'Identifier') return String(node['value'])
  if (node.type === 'MemberExpression') return `${nameOf(node['object'])}.${nameOf(node['property'])}`
  if (node.type === 'CallExpression') return nameOf(node['callee'])
  return ''
}

function elementsOf(node: Node): Node[] {
  return (node['elements'] as ({ expression: Node } | null)[]).flatMap((element) => element?.expression ?? [])
}

function firstOf(row: Node): Node | undefined {
  return row.type === 'ArrayExpression' ? elementsOf(row)[0] : row
}

/** The fixed texts of a string or a template. */
function partsOf(node: unknown): string[] {
  const { type, value, quasis } = (node ?? {}) as { type?: string; value?: string; quasis?: { raw: string }[] }
  if (type === 'StringLiteral') return [value ?? '']
  return type === 'TemplateLiteral' ? (quasis ?? []).map(({ raw }) => raw).filter((raw) => raw !== '') : []
}
