import { beforeAll, describe, test } from '@jest/globals'
import { debianPackages, installMissing, locate } from '../../support/processes/debian-package.ts'
import { expectTokenOf } from './mint-tokens.ts'

const { go, javac } = debianPackages
beforeAll(() => installMissing([go, javac]))

describe('the guide to minting tokens has a program in', () => {
  test('Java, and the gateway accepts its token', async () => {
    // `java` compiles the file with it.
    locate(javac)
    await expectTokenOf('Java', 'Mint.java', ['java'])
  })
  test('Go, and the gateway accepts its token', () => expectTokenOf('Go', 'mint.go', [locate(go), 'run']))
})
