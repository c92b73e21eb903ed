/** `npm run test:long`, which runs each file that imports `repetitions` or `runs` once more. */
export const isLongRun = process.env['TEST_LONG_RUN'] !== undefined

/**
 * How often a test repeats the same thing with other random numbers, or how much of it it sends:
 * `often` in `npm test`, `inLongRun` in a long run. For properties: `runs` in `property.ts`.
 */
export function repetitions(often: number, inLongRun: number): number {
  return isLongRun ? inLongRun : often
}
