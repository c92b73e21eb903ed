import { describe, expect, test } from '@jest/globals'
import { type ClaimMapping, claimReader, defaultMapping } from '../../../src/auth/tokens/claim-rules.ts'
import { printScope } from '../../../src/core/model/identity.ts'

const read = (mapping: Partial<ClaimMapping>, payload: string | object) =>
  claimReader({ ...defaultMapping, ...mapping })(typeof payload === 'string' ? payload : JSON.stringify(payload))
const idOf = (mapping: Partial<ClaimMapping>, payload: string | object) => read(mapping, payload).clientId
const wordsOf = (mapping: Partial<ClaimMapping>, payload: string | object) => read(mapping, payload).scope.words

describe('the client id', () => {
  test.each<[string, string, string | undefined]>([
    ['sub', '{"sub":"auth0|alice"}', 'auth0|alice'],
    ['/customer/id', '{"sub":"x","customer":{"id":"alice"}}', 'alice'],
    ['/customer/id', '{"sub":"x","customer":{"id":4711}}', '4711'],
    ['/customer/id', '{"customer":{"id":12345678901234567890123}}', '12345678901234567890123'],
    ['/ids/1', '{"ids":["a","b"]}', 'b'],
    ['/a~1b/c~0d', '{"a/b":{"c~d":"alice"}}', 'alice'],
    ['https://shop.example/id', '{"https://shop.example/id":"alice"}', 'alice'],
    ['/customer/id', '{"sub":"x"}', undefined],
    ['/customer/id', '{"sub":"x","customer":null}', undefined],
    ['/customer/id', '{"sub":"x","customer":{"id":null}}', undefined],
    ['/customer/id', '{"sub":"x","customer":"id"}', undefined],
    ['/constructor/name', '{"sub":"x"}', undefined],
    ['/sub/length', '{"sub":"x"}', undefined],
    ['__proto__', '{"sub":"x"}', undefined],
  ])('of the claim %s in %s is %s', (clientIdClaim, payload, clientId) => {
    expect(idOf({ clientIdClaim }, payload)).toBe(clientId)
  })

  test.each([
    '{"sub":""}',
    '{"sub":["alice"]}',
    '{"sub":{"id":"alice"}}',
    '{"sub":true}',
    '{"sub":1.5}',
    '{"sub":1e3}',
    '{"sub":"a b"}',
    '{"sub":"a\\u0000"}',
    '{"sub":"\\ud800"}',
    JSON.stringify({ sub: 'x'.repeat(201) }),
  ])('of %s is refused', (payload) => {
    expect(() => idOf({}, payload)).toThrow(expect.objectContaining({ reason: 'subject' }))
  })

  test('has the prefix of its provider, and no id begins with the prefix of another one', () => {
    const reserved = [{ prefix: 'partner-', option: 'WARREN_CLIENT_ID_CLAIM' }]
    expect(idOf({ clientIdPrefix: 'shop-', reserved }, { sub: 'alice' })).toBe('shop-alice')
    expect(() => idOf({ clientIdPrefix: 'shop-' }, { sub: '' })).toThrow('sub: expected a non-empty string')
    const refused = expect.objectContaining({ reason: 'subject' })
    expect(() => idOf({ reserved }, { sub: 'partner-alice' })).toThrow(refused)
    expect(() => idOf({ clientIdPrefix: 'part', reserved }, { sub: 'ner-alice' })).toThrow(refused)
  })
})

describe('the scope', () => {
  const roles = { scopeClaims: ['/realm_access/roles'] }
  const rolesMap = new Map([
    ['orders-admin', ['operator']],
    ['Power User', ['publish', 'channel:#']],
  ])

  test.each<[string, Partial<ClaimMapping>, object | string, readonly string[]]>([
    ['words of scope', {}, { scope: 'openid publish  channel:a' }, ['openid', 'publish', 'channel:a']],
    ['words of scp in a list', { scopeClaims: ['scp'] }, { scp: ['publish', 'room'] }, ['publish', 'room']],
    ['no operator', {}, { scope: 'publish operator' }, ['publish']],
    ['no operator from a list', {}, { scope: ['operator', 'room operator', 'a\toperator'] }, []],
    ['no other claims', {}, { scp: 'publish', roles: ['operator'], permissions: ['publish'] }, []],
    ['no roles without a map', roles, { realm_access: { roles: ['operator', 'publish', 'channel:#'] } }, []],
    ['no role in one text', { scopeClaims: ['role'] }, { role: 'publish operator' }, []],
    ['no word of a pointer to scope', { scopeClaims: ['/scope'] }, { scope: 'publish' }, []],
    ['mapped roles', { ...roles, scopeMap: rolesMap }, { realm_access: { roles: ['orders-admin'] } }, ['operator']],
    [
      'a mapped role with a blank, whole',
      { ...roles, scopeMap: rolesMap },
      { realm_access: { roles: ['Power User', 'orders-admin x', ' orders-admin', 'Orders-Admin'] } },
      ['publish', 'channel:#'],
    ],
    [
      'a mapped word in the place of itself',
      { scopeMap: new Map([['publish', ['room']]]) },
      { scope: 'publish' },
      ['room'],
    ],
    ['operator by the map', { scopeMap: new Map([['operator', ['operator']]]) }, { scope: 'operator' }, ['operator']],
    [
      'several claims, each word once',
      { scopeClaims: ['scope', '/realm_access/roles'], scopeMap: new Map([['staff', ['publish', 'room']]]) },
      { scope: 'publish', realm_access: { roles: ['staff', 'staff'] } },
      ['publish', 'room'],
    ],
    ['nothing of missing claims', { scopeClaims: ['scope', '/a/b'] }, { scope: null, a: { b: null } }, []],
    ['nothing of inherited properties', { scopeClaims: ['constructor', '/__proto__/x'] }, {}, []],
  ])('has %s', (_what, mapping, payload, words) => {
    expect(wordsOf(mapping, payload)).toEqual(words)
    expect(printScope(read(mapping, payload).scope).includes('operator')).toBe(words.includes('operator'))
  })

  test.each<[string, object]>([
    ['a number', { realm_access: { roles: 7 } }],
    ['an object', { realm_access: { roles: { 0: 'orders-admin', length: 1 } } }],
    ['a list with another list', { realm_access: { roles: [['orders-admin']] } }],
    ['a list with null', { realm_access: { roles: ['orders-admin', null] } }],
  ])('that is %s is refused', (_what, payload) => {
    expect(() => read({ ...roles, scopeMap: rolesMap }, payload)).toThrow(expect.objectContaining({ reason: 'scope' }))
  })
})
