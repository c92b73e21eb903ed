import type { ConfigurationQuery } from '../../api/generated/graphql.ts'

export type ShownOption = ConfigurationQuery['configuration']['options'][number]

/** Which options a chip shows. */
export const optionFilters = {
  set: ({ origin }: ShownOption) => origin !== 'DEFAULT' && origin !== 'DERIVED',
  derived: ({ origin }: ShownOption) => origin === 'DERIVED',
  differs: ({ differs, mayDiffer }: ShownOption) => differs && !mayDiffer,
  restart: ({ needsRestart, replicas }: ShownOption) => needsRestart || replicas.some((one) => one.needsRestart),
} as const

export type OptionFilter = keyof typeof optionFilters

/** Options by group, in the order of the answer. An option has all words of the search. */
export function groupsOf(
  options: readonly ShownOption[],
  { search, only }: { search: string; only: OptionFilter | undefined },
): readonly (readonly [group: string, options: readonly ShownOption[]])[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const groups = new Map<string, ShownOption[]>()
  for (const option of options) {
    if (only && !optionFilters[only](option)) continue
    const text =
      `${option.name} ${option.flag} ${option.value ?? ''} ${option.unset ?? ''} ${option.help}`.toLowerCase()
    if (!words.every((word) => text.includes(word))) continue
    groups.set(option.group, [...(groups.get(option.group) ?? []), option])
  }
  return [...groups]
}
