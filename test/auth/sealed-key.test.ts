import { expect, test } from '@jest/globals'
import { openSealedKey, sealKey } from '../../src/auth/sealed-key.ts'

const key = {
  secret: Buffer.from('the secret of a deployment'),
  createdAt: new Date('2026-01-02T03:04:05.678Z'),
  newCursorsFrom: new Date('2026-01-03T00:00:00.000Z'),
}
const jwtSecret = 'a secret of thirty-two bytes or more'

test('a sealed key is opened with the same secret, and is another text each time', () => {
  const sealed = sealKey(key, jwtSecret)
  expect(openSealedKey(sealed, jwtSecret)).toEqual(key)
  expect(sealKey(key, jwtSecret)).not.toBe(sealed)
  expect(Buffer.from(sealed, 'base64url').includes(key.secret.toString('base64url'))).toBe(false)
})

test('it is not opened with another secret, nor with one changed bit at any place', () => {
  const sealed = sealKey(key, jwtSecret)
  expect(openSealedKey(sealed, `${jwtSecret}!`)).toBeUndefined()
  const bytes = Buffer.from(sealed, 'base64url')
  for (let at = 0; at < bytes.length; at += 1) {
    const other = Buffer.from(bytes)
    other[at] = (other[at] ?? 0) ^ 1
    expect(openSealedKey(other.toString('base64url'), jwtSecret)).toBeUndefined()
  }
})

test('a text that is not a sealed key is none', () => {
  const sealed = Buffer.from(sealKey(key, jwtSecret), 'base64url')
  for (const length of [0, 1, 12, 27, 28, 29, sealed.length - 1])
    expect(openSealedKey(sealed.subarray(0, length).toString('base64url'), jwtSecret)).toBeUndefined()
  expect(openSealedKey('not base64url at all!', jwtSecret)).toBeUndefined()
})
