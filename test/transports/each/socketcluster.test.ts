import { socketCluster } from '../suite/socketcluster.ts'
import { testTransport } from './transport-tests.ts'

testTransport(socketCluster)
