import { jest } from '@jest/globals'

// A failed test is repeated once, and its first failure is printed. Real brokers and browsers
// sometimes start late on shared machines. Remove this when `npm test` has passed ten times out of
// ten without it.
jest.retryTimes(1, { logErrorsBeforeRetry: true })
