/**
 * How often a test repeats the same thing with other random numbers, or how much of it it sends:
 * `often` in `npm test`, `inLongRun` in `npm run test:long`, which runs each file that imports this
 * once more.
 */
export function repetitions(often: number, inLongRun: number): number {
  return process.env['TEST_LONG_RUN'] === undefined ? often : inLongRun
}
