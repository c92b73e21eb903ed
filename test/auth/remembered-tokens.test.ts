import { expect, test } from '@jest/globals'
import { hmacSigner, hmacVerifier } from '../../src/auth/tokens/jwt.ts'
import { remembering } from '../../src/auth/remembered-tokens.ts'
import { noScope } from '../../src/core/model/identity.ts'

const secret = 'a secret of at least thirty-two bytes'
const signer = hmacSigner({ secret })

function counted() {
  const verifier = hmacVerifier({ secret })
  const asked: string[] = []
  const remembered = remembering({
    verify: (token) => {
      asked.push(token)
      return verifier.verify(token)
    },
  })
  return { remembered, asked }
}

test('a token that was good is not checked again', async () => {
  const { remembered, asked } = counted()
  const { token } = await signer.sign({ clientId: 'alice', scope: ['publish'], ttlSeconds: 60 })
  const first = await remembered.verify(token)
  expect(await remembered.verify(token)).toBe(first)
  expect(first).toMatchObject({ clientId: 'alice', scope: { publish: true } })
  expect(asked).toEqual([token])
})

test('a token that was refused is checked each time, and so is one that has expired', async () => {
  const { remembered, asked } = counted()
  const { token } = await signer.sign({ clientId: 'alice', scope: [], ttlSeconds: 60 })
  const forged = `${token.slice(0, -4)}AAAA`
  await expect(remembered.verify(forged)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  await expect(remembered.verify(forged)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  expect(asked).toEqual([forged, forged])

  const past = new Date(Date.now() - 60_000)
  const expired = {
    clientId: 'alice',
    scope: noScope,
    issuedAt: past,
  }
  let checks = 0
  const lenient = remembering({
    verify: async () => {
      checks += 1
      return { ...expired, expiresAt: past }
    },
  })
  await lenient.verify('old')
  await lenient.verify('old')
  expect(checks).toBe(2)
})
