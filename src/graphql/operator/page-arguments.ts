import { badInput } from '../../errors.ts'

export const maxPage = 500

/** The size of a page. Throws `BAD_USER_INPUT` for `first`. */
export function pageSize(first: number | null | undefined, standard: number, most = maxPage): number {
  const size = first ?? standard
  if (size < 1 || size > most) throw badInput('first', `expected a number from 1 to ${most}, got ${size}`)
  return size
}

/** For `PagedField.pageSize`. */
export function pageSizeOf(standard: number, most = maxPage) {
  return ({ first }: Readonly<Record<string, unknown>>): number =>
    typeof first === 'number' ? Math.min(first, most) : standard
}
