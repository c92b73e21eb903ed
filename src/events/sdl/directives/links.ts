import {
  type ConstDirectiveNode,
  type ConstValueNode,
  type DefinitionNode,
  Kind,
  type SchemaDefinitionNode,
  type SchemaExtensionNode,
} from 'graphql'
import { listed, quoted, type SdlMistakes } from '../mistakes.ts'
import { federationDirectives, graphqlDirectives, warrenDirectives } from './definitions.ts'

export type DirectiveOrigin = 'warren' | 'federation' | 'graphql'

/** What a name of a directive means in the files. */
export interface MeantDirective {
  readonly origin: DirectiveOrigin
  /** The name without renames. */
  readonly name: string
}

/** One `@link`, for the federated SDL. */
export interface SchemaLink {
  readonly url: string
  readonly namespace: string | undefined
  /** Names as imported, with `@`, and their names in the files. */
  readonly imports: ReadonlyMap<string, string>
}

interface Specification {
  readonly origin: 'warren' | 'federation'
  readonly title: string
  readonly path: RegExp
  readonly version: RegExp
  readonly versions: string
  readonly names: ReadonlyMap<string, unknown>
}

const specifications: readonly Specification[] = [
  {
    origin: 'warren',
    title: 'Warren',
    path: /\/warren\/(v[^/]*)$/,
    version: /^v1\.0$/,
    versions: 'v1.0',
    names: warrenDirectives,
  },
  {
    origin: 'federation',
    title: 'Federation',
    path: /\/federation\/(v[^/]*)$/,
    version: /^v2\.\d+$/,
    versions: 'v2.0 and later ones of version 2',
    names: federationDirectives,
  },
]

/** Which name means which directive, after the renames of `@link`. */
export class DirectiveNames {
  readonly links: readonly SchemaLink[]
  readonly #meanings = new Map<string, MeantDirective>()
  readonly #localNames = new Map<string, string>()

  constructor(definitions: readonly DefinitionNode[], mistakes: SdlMistakes) {
    const links = definitions.flatMap((node) => (isSchemaNode(node) ? readLinks(node, mistakes) : []))
    this.links = links.map(({ link }) => link)
    for (const { origin, names } of specifications) {
      const own = links.filter(({ specification }) => specification?.origin === origin)
      const prefixes = [origin, ...own.flatMap(({ link }) => link.namespace ?? [])]
      const renames = new Map(own.flatMap(({ link }) => [...link.imports]))
      for (const name of names.keys()) {
        const local = (renames.get(`@${name}`) ?? `@${name}`).slice(1)
        this.#localNames.set(`${origin} ${name}`, local)
        for (const known of [local, ...prefixes.map((prefix) => `${prefix}__${name}`)]) {
          this.#meanings.set(known, { origin, name })
        }
      }
    }
    for (const name of graphqlDirectives.keys()) this.#meanings.set(name, { origin: 'graphql', name })
  }

  /** Undefined: none that Warren knows. */
  meaningOf(name: string): MeantDirective | undefined {
    return this.#meanings.get(name)
  }

  /** How the files write a directive of Warren, with `@`. */
  written(name: string): string {
    return `@${this.#localNames.get(`warren ${name}`) ?? name}`
  }
}

type SchemaNode = SchemaDefinitionNode | SchemaExtensionNode

export function isSchemaNode(node: DefinitionNode): node is SchemaNode {
  return node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION
}

interface ReadLink {
  readonly specification: Specification | undefined
  readonly link: SchemaLink
}

function readLinks({ directives = [] }: SchemaNode, mistakes: SdlMistakes): ReadLink[] {
  return directives.flatMap((directive) => (directive.name.value === 'link' ? readLink(directive, mistakes) : []))
}

/** Values of other kinds are reported where all directives are checked. */
function readLink(directive: ConstDirectiveNode, mistakes: SdlMistakes): ReadLink[] {
  const argument = (name: string) => directive.arguments?.find((candidate) => candidate.name.value === name)?.value
  const [url, as, imports] = [argument('url'), argument('as'), argument('import')]
  if (url?.kind !== Kind.STRING) return []
  const specification = specifications.find(({ path }) => path.test(url.value))
  const [, version = ''] = specification?.path.exec(url.value) ?? []
  if (specification && !specification.version.test(version)) {
    const { title, versions } = specification
    mistakes.error(url, `unknown version ${quoted(version)} of ${title} in @link: known are ${versions}`)
  }
  const namespace = as?.kind === Kind.STRING ? as.value : undefined
  return [{ specification, link: { url: url.value, namespace, imports: importsOf(imports, specification, mistakes) } }]
}

function importsOf(
  value: ConstValueNode | undefined,
  specification: Specification | undefined,
  mistakes: SdlMistakes,
): ReadonlyMap<string, string> {
  const imports = new Map<string, string>()
  const taken = new Set<string>()
  for (const item of value?.kind === Kind.LIST ? value.values : value ? [value] : []) {
    const entry = importOf(item)
    if (!entry) {
      mistakes.error(item, 'expected a name such as "@match", or {name: "@match", as: "@eventMatch"} in import')
      continue
    }
    const { name, as } = entry
    if (specification && name.startsWith('@') && !specification.names.has(name.slice(1))) {
      const known = listed([...specification.names.keys()].map((known) => `@${known}`))
      mistakes.error(item, `${specification.title} has no directive ${quoted(name)}: known are ${known}`)
    } else if (name.startsWith('@') !== as.startsWith('@') || !/^@?[A-Za-z_]\w*$/.test(as)) {
      mistakes.error(item, `expected a name such as "@eventMatch" in as, got ${quoted(as)}`)
    } else if (taken.has(as)) {
      mistakes.error(item, `the name ${quoted(as)} is imported twice: choose another one in as`)
    } else if (graphqlDirectives.has(as.slice(1))) {
      mistakes.error(item, `${quoted(as)} is a directive of GraphQL: choose another name in as`)
    } else {
      imports.set(name, as)
    }
    taken.add(as)
  }
  return imports
}

function importOf(item: ConstValueNode): { name: string; as: string } | undefined {
  if (item.kind === Kind.STRING) return { name: item.value, as: item.value }
  if (item.kind !== Kind.OBJECT) return undefined
  const text = (wanted: string) => {
    const value = item.fields.find(({ name }) => name.value === wanted)?.value
    return value?.kind === Kind.STRING ? value.value : undefined
  }
  const name = text('name')
  if (name === undefined || item.fields.some((field) => field.name.value !== 'name' && field.name.value !== 'as')) {
    return undefined
  }
  return { name, as: text('as') ?? name }
}
