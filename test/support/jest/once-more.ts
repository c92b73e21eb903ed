import { jest } from '@jest/globals'

// A test that fails is run once more, and its first failure is printed all the same. Real brokers
// and browsers on shared machines start late now and then. This goes when the whole of `npm test`
// has been green ten times out of ten without it.
jest.retryTimes(1, { logErrorsBeforeRetry: true })
