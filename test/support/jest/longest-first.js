// jest's main process runs this file without a transform, so it is JavaScript.
import { readFileSync } from 'node:fs'

/**
 * The seconds that test files took, from `npm run test:durations`. jest has its own table of
 * earlier runs, but a clean checkout has none, and a long file that starts last leaves the other
 * worker idle.
 *
 * @type {Readonly<Record<string, number>>}
 */
const seconds = JSON.parse(readFileSync(new URL('durations.json', import.meta.url), 'utf8'))

/** For a file that the table does not have yet: long enough to start before most. */
const unknownSeconds = 5

/** @typedef {{ readonly path: string }} TestFile */

/** Sorts test files by their duration, with the same order on every machine. */
export default class LongestFirst {
  /** @param {readonly TestFile[]} files */
  sort(files) {
    return files.toSorted((a, b) => secondsOf(b) - secondsOf(a) || (a.path < b.path ? -1 : 1))
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
function secondsOf({ path }) {
  return seconds[path.slice(path.lastIndexOf('/test/') + 1)] ?? unknownSeconds
}
