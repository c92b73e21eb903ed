// jest's main process requires this file without a transform.
const { existsSync, readFileSync } = require('node:fs')
const { posix } = require('node:path')

/**
 * Modules that open sockets or start processes, and packages that do. The last one also takes two
 * seconds of CPU to load, a twelfth of the unit tests.
 */
const outside =
  /^(node:(net|http|https|http2|tls|dgram|dns|dns\/promises|child_process|cluster|worker_threads)$|(amqplib|rhea|pg|ws|fastify|playwright-core|graphql-yoga|socketcluster-client|@graphql-codegen\/cli)\b)/

/** What these modules export without doing anything: types are erased, addresses are text. */
const harmless = /^(isIP|isIPv4|isIPv6|BlockList|createSecureContext|SecureContext)$/

const importing = /(?:^|\n)\s*(?:import|export)\s+(type\s)?([^'"]*?)\s*(?:from\s*)?['"]([^'"]+)['"]/g
const importingLater = /\bimport\(\s*['"]([^'"]+)['"]/g

/** @type {Map<string, string[]>} */
const importsOf = new Map()

/**
 * The imports of a file that remain when types are erased; those of `outside` only if something of
 * theirs is used that is not harmless.
 *
 * @param {string} path
 * @returns {string[]}
 */
function importsOfFile(path) {
  const known = importsOf.get(path)
  if (known) return known
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const found = [...text.matchAll(importingLater)].map(([, specifier = '']) => specifier)
  for (const [, type, names = '', specifier = ''] of text.matchAll(importing)) {
    const named = /^\{(.*)\}$/s
      .exec(names)?.[1]
      ?.split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
    const used = named?.filter((name) => !name.startsWith('type ') && !harmless.test(name))
    if (!type && (used === undefined || used.length > 0)) found.push(specifier)
  }
  const paths = found.map((specifier) =>
    specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier,
  )
  importsOf.set(path, paths)
  return paths
}

/**
 * The first chain of imports from a file to something that opens sockets or starts processes;
 * undefined if there is none.
 *
 * @param {string} path
 * @param {Set<string>} seen
 * @returns {string[] | undefined}
 */
function wayOutside(path, seen = new Set()) {
  seen.add(path)
  for (const imported of importsOfFile(path)) {
    if (outside.test(imported)) return [path, imported]
    if (!imported.endsWith('.ts') || seen.has(imported)) continue
    const rest = wayOutside(imported, seen)
    if (rest) return [path, ...rest]
  }
  return undefined
}

/**
 * The filter of `npm run test:unit`: the tests that open no socket and start no process.
 *
 * @param {string[]} paths
 */
module.exports = (paths) => ({ filtered: paths.filter((path) => wayOutside(path) === undefined) })
module.exports.wayOutside = wayOutside
