import { parser } from '@prometheus-io/lezer-promql'

export interface Selector {
  readonly metric: string
  /** As `{reason="lost", code=~"A|B"}` has them, in order. */
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[]
}

export interface Query {
  readonly selectors: readonly Selector[]
  /** Labels of `by`, `without`, `on`, `ignoring` and `group_left`. */
  readonly grouping: readonly string[]
  /** Of aggregations alone: what the result has. */
  readonly aggregated: readonly string[]
}

/**
 * Returns the series that an expression reads. Throws if the expression is invalid. Grafana's
 * variables are accepted in place of values.
 */
export function readQuery(written: string): Query {
  const text = written.replaceAll('$__rate_interval', '5m').replaceAll(/\$(\w+)/g, 'variable')
  const selectors: { metric: string; matchers: { label: string; operator: string; value: string }[] }[] = []
  const grouping: string[] = []
  const aggregated: string[] = []
  parser.parse(text).iterate({
    enter({ node, name, from, to, type }) {
      const part = text.slice(from, to)
      if (type.isError)
        throw new Error(`${written}: no PromQL at ${from} (${JSON.stringify(text.slice(from, from + 20))})`)
      if (name === 'VectorSelector') selectors.push({ metric: '', matchers: [] })
      const selector = selectors.at(-1)
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector' && selector) selector.metric = part
      if (name === 'UnquotedLabelMatcher' && selector) {
        const [, label = '', operator = '', value = ''] = part.match(/^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/) ?? []
        selector.matchers.push({ label, operator, value })
      }
      if (name === 'LabelName' && node.parent?.name === 'GroupingLabels') {
        grouping.push(part)
        if (node.parent.parent?.name === 'AggregateModifier') aggregated.push(part)
      }
    },
  })
  return { selectors, grouping, aggregated }
}
