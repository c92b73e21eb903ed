import { describe } from '@jest/globals'
import { rabbitMq4 } from '../support/rabbitmq/rabbitmq-4.ts'
import { faultMatrix } from './matrix-suite.ts'

const { root } = await rabbitMq4()
const describeOnFour = root === undefined ? describe.skip : describe

describeOnFour('on RabbitMQ 4', () => faultMatrix(root))
