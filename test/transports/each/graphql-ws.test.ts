import { graphqlWs } from '../suite/graphql-ws.ts'
import { testTransport } from './transport-tests.ts'

testTransport(graphqlWs)
