/** Of two moments the later one; undefined is before all. */
export function latest(one: Date | undefined, other: Date | undefined): Date | undefined {
  return one && (!other || one > other) ? one : other
}
