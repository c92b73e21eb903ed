/** The later of two dates; undefined counts as the earliest. */
export function latest(one: Date | undefined, other: Date | undefined): Date | undefined {
  return one && (!other || one > other) ? one : other
}
