import { describe, test } from '@jest/globals'
import { expectTokenOf } from './mint-tokens.ts'

describe('the guide to minting tokens has a program in', () => {
  test.each([
    ['Node.js', 'mint.mjs', 'node'],
    ['Python', 'mint.py', 'python3'],
  ])('%s, and the gateway accepts its token', (name, file, command) => expectTokenOf(name, file, [command]))
})
