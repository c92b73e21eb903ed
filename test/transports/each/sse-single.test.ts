import { singleConnection } from '../suite/sse-single.ts'
import { testTransport } from './transport-tests.ts'

testTransport(singleConnection)
