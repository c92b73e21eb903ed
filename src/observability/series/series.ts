/** The series of one metric, read at each scrape. */
export interface Series {
  readonly labelNames: string[]
  readonly each: (visit: (labels: Record<string, string>, value: number) => void) => void
}

export function labelsOf({ labelNames, each }: Series): Map<string, string[]> {
  const values = new Map(labelNames.map((name) => [name, new Set<string>()]))
  each((labels) => {
    for (const [name, value] of Object.entries(labels)) values.get(name)?.add(value)
  })
  return new Map([...values].map(([name, found]) => [name, [...found]]))
}

/** The values of at most two labels. */
type LabelValues = [first?: string, second?: string]

interface MetricFamily<Values extends LabelValues> extends Series {
  readonly add: (change: number, ...values: Values) => void
  readonly set: (value: number, ...values: Values) => void
}

/**
 * Numbers by label values. Every combination in `known` exists from the start, because a series
 * that appears late hides its first increase.
 */
export function metricFamily<Values extends LabelValues>(
  labelNames: string[],
  known: readonly Values[],
): MetricFamily<Values> {
  const numbers = new Map<string, { value: number }>()
  const numberOf = (first = '', second?: string): { value: number } => {
    const key = second === undefined ? first : `${first}\n${second}`
    let number = numbers.get(key)
    if (!number) {
      number = { value: 0 }
      numbers.set(key, number)
    }
    return number
  }
  for (const values of known) numberOf(...values)
  return {
    labelNames,
    // Takes no array of values, because some numbers are counted for each message.
    add(change: number, first?: string, second?: string) {
      numberOf(first, second).value += change
    },
    set(value: number, first?: string, second?: string) {
      numberOf(first, second).value = value
    },
    each(visit) {
      for (const [key, { value }] of numbers) {
        const values = key.split('\n')
        visit(Object.fromEntries(labelNames.map((name, index) => [name, values[index] ?? ''])), value)
      }
    },
  }
}

export function cross<A extends string>(first: readonly A[]): [A][]
export function cross<A extends string, B extends string>(first: readonly A[], second: readonly B[]): [A, B][]
export function cross(first: readonly string[], second?: readonly string[]): string[][] {
  return first.flatMap((a) => (second ? second.map((b) => [a, b]) : [[a]]))
}
