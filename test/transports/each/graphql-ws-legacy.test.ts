import { graphqlWsLegacy } from '../suite/graphql-ws-legacy.ts'
import { testTransport } from './transport-tests.ts'

testTransport(graphqlWsLegacy)
