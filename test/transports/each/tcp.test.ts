import { framedTcp } from '../suite/tcp.ts'
import { testTransport } from './transport-tests.ts'

testTransport(framedTcp)
