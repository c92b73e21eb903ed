import { describe } from '@jest/globals'
import { faultMatrix } from './matrix-suite.ts'

describe('on the RabbitMQ of this machine', () => faultMatrix())
