// jest's main process requires this file without a transform.
const { readFileSync } = require('node:fs')

/**
 * The filter of `npm run test:long`: files named slow, and files whose tests repeat more often in a
 * long run (test/support/repetitions.ts).
 *
 * @param {string[]} paths
 */
module.exports = (paths) => ({
  filtered: paths.filter(
    (path) =>
      path.endsWith('.slow.test.ts') ||
      /^import .*\b(?:repetitions|runs)\b.* from '.*\/support\/(?:repetitions|property)\.ts'/m.test(
        readFileSync(path, 'utf8'),
      ),
  ),
})
