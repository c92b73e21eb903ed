// Run by jest's main process as it stands, so JavaScript.
import { readFileSync } from 'node:fs'

/**
 * Test files that take more than a dozen seconds, roughly by that. Jest knows from an earlier run which they are, but a clean checkout has none, and one that begins
 * last leaves the other worker idle. What mostly waits stands beside what needs a processor: two workers share two.
 *
 * @type {readonly string[]}
 */
const slowFiles = JSON.parse(readFileSync(new URL('slow-files.json', import.meta.url), 'utf8'))

/** @typedef {{ readonly path: string }} TestFile */

/** As jest's own sequencer, but that the order is the same on every machine. */
export default class SlowFilesFirst {
  /** @param {readonly TestFile[]} files */
  sort(files) {
    return files.toSorted((a, b) => placeOf(a) - placeOf(b) || (a.path < b.path ? -1 : 1))
  }

  /** @param {readonly TestFile[]} files @param {{ shardIndex: number, shardCount: number }} shard */
  shard(files, { shardIndex, shardCount }) {
    return this.sort(files).filter((_, index) => index % shardCount === shardIndex - 1)
  }

  /** Only `--onlyFailures` asks; which they were is not kept. @param {readonly TestFile[]} files */
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
