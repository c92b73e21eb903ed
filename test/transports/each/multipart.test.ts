import { multipart } from '../suite/multipart.ts'
import { testTransport } from './transport-tests.ts'

testTransport(multipart)
