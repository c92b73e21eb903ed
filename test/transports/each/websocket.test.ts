import { plainWebSocket } from '../suite/websocket.ts'
import { testTransport } from './transport-tests.ts'

testTransport(plainWebSocket)
