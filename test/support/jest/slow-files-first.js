// jest's main process runs this file without a transform, so it is JavaScript.
import { readFileSync } from 'node:fs'

/**
 * Test files that take more than a dozen seconds, roughly in that order. jest knows durations from
 * an earlier run, but a clean checkout has none, and a slow file that starts last leaves the other
 * worker idle. Files that mostly wait are next to files that need the CPU: two workers share two.
 *
 * @type {readonly string[]}
 */
const slowFiles = JSON.parse(readFileSync(new URL('slow-files.json', import.meta.url), 'utf8'))

/** @typedef {{ readonly path: string }} TestFile */

/** Like jest's sequencer, but with the same order on every machine. */
export default class SlowFilesFirst {
  /** @param {readonly TestFile[]} files */
  sort(files) {
    return files.toSorted((a, b) => placeOf(a) - placeOf(b) || (a.path < b.path ? -1 : 1))
  }

  /**
   * @param {readonly TestFile[]} files
   * @param {{ shardIndex: number, shardCount: number }} shard
   */
  shard(files, { shardIndex, shardCount }) {
    return this.sort(files).filter((_, index) => index % shardCount === shardIndex - 1)
  }

  /** For `--onlyFailures`. Failures are not stored. @param {readonly TestFile[]} files */
  allFailedTests(files) {
    return files
  }

  cacheResults() {}
}

/** @param {TestFile} file */
function placeOf({ path }) {
  const place = slowFiles.findIndex((slow) => path.endsWith(`/${slow}`))
  return place === -1 ? slowFiles.length : place
}
