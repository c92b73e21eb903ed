import { expect, test } from '@jest/globals'
import { consoleRoleOf } from '../../src/auth/sign-in/console-role.ts'

const rules = {
  claims: ['roles', '/realm_access/roles', 'https://shop.example.com/roles'],
  operator: ['orders admin'],
  observe: ['support'],
}

test.each<[string, object, string | undefined]>([
  ['a list', { roles: ['support', 'orders admin'] }, 'operator'],
  ['a place within a claim', { realm_access: { roles: ['support'] } }, 'observe'],
  ['a claim with slashes in its name', { 'https://shop.example.com/roles': 'support' }, 'observe'],
  ['a text, which is one role', { roles: 'orders admin' }, 'operator'],
  ['words of a text', { roles: 'support sales' }, undefined],
  ['part of a name', { roles: ['orders', 'admin', 'supports'] }, undefined],
  ['another claim', { groups: ['support'] }, undefined],
  ['values that are no names', { roles: [1, null, { support: true }] }, undefined],
  ['names of the prototype', { roles: { constructor: 'support' } }, undefined],
  ['no claims', {}, undefined],
])('reads the role from %s', (_name, claims, role) => {
  expect(consoleRoleOf(claims, rules)).toBe(role)
})

test('a star lets every user read, and an operator stays one', () => {
  const everybody = { ...rules, observe: ['*'] }
  expect(consoleRoleOf({}, everybody)).toBe('observe')
  expect(consoleRoleOf({ roles: ['orders admin'] }, everybody)).toBe('operator')
})
