import { type DefinitionNode, GraphQLError, Kind, Lexer, parse, Source, TokenKind } from 'graphql'
import type { SdlMistakes } from './mistakes.ts'

export interface SdlFile {
  /** As the operator gave it. */
  readonly path: string
  readonly text: string
}

/** Parsing is recursive; no schema that people write nests like this. */
const maxNesting = 64

/** Parses all files as one document. What cannot be parsed is a mistake. */
export function parseFiles(files: readonly SdlFile[], mistakes: SdlMistakes): DefinitionNode[] {
  return files.flatMap((file) => parseFile(file, mistakes))
}

function parseFile({ path, text }: SdlFile, mistakes: SdlMistakes): readonly DefinitionNode[] {
  // graphql-js requires a name.
  const source = new Source(text, path === '' ? '(unnamed)' : path)
  try {
    if (!hasContent(source, mistakes)) return []
    const { definitions } = parse(source)
    for (const definition of definitions) {
      if (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION) continue
      mistakes.error(
        definition,
        'expected definitions of types, got an operation or fragment: move it out of this file',
      )
    }
    return definitions
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error
    const [{ line, column } = { line: 1, column: 1 }] = error.locations ?? []
    const message = error.message.replace(/^Syntax Error: /, '').replace(/\.$/, '')
    mistakes.errorAt({ file: path, line, column }, `syntax error: ${message}`)
    return []
  }
}

/** Whether there is anything besides comments, and nothing that nests too deeply. */
function hasContent(source: Source, mistakes: SdlMistakes): boolean {
  const lexer = new Lexer(source)
  let tokens = 0
  let depth = 0
  for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
    tokens += 1
    if (token.kind === TokenKind.BRACE_L || token.kind === TokenKind.BRACKET_L || token.kind === TokenKind.PAREN_L) {
      depth += 1
    } else if (
      token.kind === TokenKind.BRACE_R ||
      token.kind === TokenKind.BRACKET_R ||
      token.kind === TokenKind.PAREN_R
    ) {
      depth -= 1
    }
    if (depth > maxNesting) {
      const { line, column } = token
      mistakes.errorAt({ file: source.name, line, column }, `expected brackets that nest at most ${maxNesting} levels`)
      return false
    }
  }
  return tokens > 0
}
