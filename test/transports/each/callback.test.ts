import { callback } from '../suite/callback.ts'
import { testTransport } from './transport-tests.ts'

testTransport(callback)
