import { serverSentEvents } from '../suite/sse.ts'
import { testTransport } from './transport-tests.ts'

testTransport(serverSentEvents)
