import { expect, test } from '@jest/globals'
import { isLoopback } from '../../../src/core/limits/loopback.ts'
import { networkOf } from '../../../src/core/limits/network-address.ts'

test.each([
  ['an IPv4 address is its own network', '192.0.2.1', '192.0.2.1'],
  ['without the port after it', '192.0.2.1:4711', '192.0.2.1'],
  ['without white space around it', ' 192.0.2.1 ', '192.0.2.1'],
  ['an IPv6 address is charged to its /64', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['with leading zeros', '2001:0db8:0001:0002::1', '2001:db8:1:2::/64'],
  ['in brackets', '[2001:db8:1:2::1]', '2001:db8:1:2::/64'],
  ['in brackets with a port', '[2001:db8:1:2::1]:4711', '2001:db8:1:2::/64'],
  ['with a zone', 'fe80::1:2%eth0', 'fe80:0:0:0::/64'],
  ['with the gap at its beginning', '::1', '0:0:0:0::/64'],
  ['with the gap at its end', '2001:db8::', '2001:db8:0:0::/64'],
  ['that is all gap', '::', '0:0:0:0::/64'],
  ['with IPv4 at its end', '64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ['IPv4 mapped into IPv6 is IPv4', '::ffff:192.0.2.1', '192.0.2.1'],
  ['also with a zero before the gap', '0::ffff:192.0.2.1', '192.0.2.1'],
  ['also in hexadecimal', '::ffff:c000:0281', '192.0.2.129'],
  ['also without a gap', '0:0:0:0:0:ffff:c0a8:ff01', '192.168.255.1'],
  ['a marker elsewhere maps nothing', '1::ffff:c000:0201', '1:0:0:0::/64'],
  ['zeros without the marker map nothing', '::fffe:c000:0201', '0:0:0:0::/64'],
  ['a text that is no address stays as it is', 'unix:/run/x', 'unix:/run/x'],
  ['as does one that is empty', '', ''],
])('%s: %s', (_what, address, network) => {
  expect(networkOf(address)).toBe(network)
})

test.each([
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['[::1]', true],
  ['::1', true],
  ['localhost', true],
  ['LOCALHOST', true],
  ['128.0.0.1', false],
  ['0.0.0.0', false],
  ['::2', false],
  ['127.evil.example', false],
  ['127.0.0.1.example', false],
  ['localhost.example', false],
  ['[::1', false],
  ['x[127.0.0.1]', false],
  ['[127.0.0.1]x', false],
  ['', false],
])('the host %s is this machine: %s', (host, isThis) => {
  expect(isLoopback(host)).toBe(isThis)
})
