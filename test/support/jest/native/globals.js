// What `@jest/globals` is for the modules of one test file: the loader resolves it to here.
const run = Number(new URL(import.meta.url).searchParams.get('run'))

export const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest, test } =
  globalThis[Symbol.for('warren.test.globals')].get(run)
