import type { Location } from 'graphql'
import type { SdlLocation, SdlMistake } from '../model/place.ts'

/** A node of the parsed SDL, of which only the place in its file matters here. */
export interface LocatedNode {
  readonly kind?: string
  readonly loc?: Location | undefined
  readonly name?: LocatedNode | undefined
}

/** Gathers all mistakes of one reading, so that the author sees them at once. */
export class SdlMistakes {
  readonly #files: readonly string[]
  readonly #all = new Map<string, SdlMistake>()
  #errors = 0

  /** `files`: the paths in the order in which mistakes are listed. */
  constructor(files: readonly string[]) {
    this.#files = files
  }

  get hasErrors(): boolean {
    return this.#errors > 0
  }

  error(node: LocatedNode, message: string): void {
    this.errorAt(this.locationOf(node), message)
  }

  remark(node: LocatedNode, message: string): void {
    this.#add({ location: this.locationOf(node), message, severity: 'remark' })
  }

  errorAt(location: SdlLocation, message: string): void {
    this.#errors += 1
    this.#add({ location, message, severity: 'error' })
  }

  locationOf(node: LocatedNode): SdlLocation {
    // A definition begins with its description; its name is what an author looks for.
    const isDefinition = node.kind?.endsWith('Definition') || node.kind?.endsWith('Extension')
    const { source, startToken } = (isDefinition ? node.name?.loc : undefined) ?? node.loc ?? {}
    return {
      file: source?.name ?? this.#files[0] ?? '',
      line: startToken?.line || 1,
      column: startToken?.column || 1,
    }
  }

  /** By file, line and column. */
  sorted(): readonly SdlMistake[] {
    const place = ({ location: { file, line, column } }: SdlMistake) => [this.#files.indexOf(file), line, column]
    return [...this.#all.values()].toSorted((a, b) => {
      const others = place(b)
      return place(a).reduce((order, part, index) => order || part - (others[index] ?? 0), 0)
    })
  }

  /** Two checks may find the same mistake. */
  #add(mistake: SdlMistake): void {
    this.#all.set(printMistake(mistake), mistake)
  }
}

/** `file:line:column: message`. */
export function printMistake({ location: { file, line, column }, message }: SdlMistake): string {
  return `${file}:${line}:${column}: ${message}`
}

const maxQuotedLength = 60

/** A text of the author in an error message, cut if it is long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > maxQuotedLength ? `${text.slice(0, maxQuotedLength)}…` : text)
}

const maxListed = 30

/** `a, b and c`. */
export function listed(names: Iterable<string>, last = 'and'): string {
  const given = [...names]
  const all = given.length > maxListed ? [...given.slice(0, maxListed), `${given.length - maxListed} more`] : given
  const end = all.pop() ?? ''
  return all.length === 0 ? end : `${all.join(', ')} ${last} ${end}`
}
