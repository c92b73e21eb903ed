import { enumValueName, pascalCase, typeName, UniqueNames, wordsOf } from '../draft/names.ts'
import { directive, type EnumSketch, type FieldSketch, literal } from '../draft/sketch.ts'

interface EnumPlan {
  readonly name: string
  /** Text → how often. */
  readonly words: Map<string, number>
}

/** The enums of a draft: one for members of one name that have a word in common. */
export class EnumPlans {
  readonly #base: readonly string[]
  readonly #names: UniqueNames
  readonly #plans = new Map<string, EnumPlan[]>()

  constructor(base: readonly string[], names: UniqueNames) {
    this.#base = base
    this.#names = names
  }

  /** The name of the enum for these words, which are added to it. */
  nameOf(member: string, words: readonly string[], counts: ReadonlyMap<string, number>): string {
    const own = wordsOf(member)
    const key = own.join(' ')
    const plans = this.#plans.get(key) ?? []
    this.#plans.set(key, plans)
    let plan = plans.find(({ words: known }) => words.some((word) => known.has(word)) && mayJoin(known, words))
    if (!plan) {
      const isPrefixed = this.#base.every((word, index) => own[index] === word)
      const name = typeName(isPrefixed ? own : [...this.#base, ...own], `${pascalCase(this.#base)}Value`)
      plan = { name: this.#names.take(name, `${name}Value`), words: new Map() }
      plans.push(plan)
    }
    for (const word of words) plan.words.set(word, (plan.words.get(word) ?? 0) + (counts.get(word) ?? 0))
    return plan.name
  }

  types(): EnumSketch[] {
    return [...this.#plans.values()].flat().map(sketchOfEnum)
  }
}

function mayJoin(known: ReadonlyMap<string, number>, words: readonly string[]): boolean {
  const all = new Set([...known.keys(), ...words])
  return new Set([...all].map(enumValueName)).size === all.size
}

function sketchOfEnum({ name, words }: EnumPlan): EnumSketch {
  const sorted = [...words].sort(([, a], [, b]) => b - a)
  const taken = new UniqueNames(sorted.map(([word]) => enumValueName(word)))
  const values = sorted.map(([word, count]): FieldSketch => {
    const value = enumValueName(word)
    return {
      name: value,
      type: '',
      directives: value === word ? [] : [directive('value', { is: literal(word) })],
      comment: String(count),
    }
  })
  const unknown = taken.take('OTHER', 'UNKNOWN', 'UNKNOWN_VALUE')
  return {
    kind: 'enum',
    name,
    values: [...values, { name: unknown, type: '', directives: ['@value(unknown: true)'] }],
  }
}
