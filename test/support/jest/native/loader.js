// Hooks of Node's module loader (node:module, `register`). They run in a thread of their own.
import { fileURLToPath } from 'node:url'
import compiling from './compile.cjs'

const globals = new URL('globals.js', import.meta.url).href
const tests = new URL('../../../', import.meta.url).href

/** @type {import('./compile.cjs').CompiledFiles} */
let compiled

/** @param {{ folder: string }} data */
export function initialize({ folder }) {
  compiled = new compiling.CompiledFiles(folder)
}

/**
 * A module of `test/` is loaded again for each test file, so that it has the `test` and `expect` of
 * that file, and no state of an earlier one. Modules of `src/` and packages are loaded once.
 *
 * @param {string} specifier
 * @param {{ parentURL?: string }} context
 * @param {(specifier: string, context: object) => Promise<{ url: string }>} next
 */
export async function resolve(specifier, context, next) {
  const run = /\?run=\d+$/.exec(context.parentURL ?? '')?.[0]
  if (run === undefined) return next(specifier, context)
  if (specifier === '@jest/globals') return { url: globals + run, shortCircuit: true }
  const resolved = await next(specifier, context)
  const ofTests = resolved.url.startsWith(tests) && resolved.url.endsWith('.ts')
  return ofTests ? { ...resolved, url: resolved.url + run } : resolved
}

/**
 * @param {string} url
 * @param {object} context
 * @param {(url: string, context: object) => Promise<object>} next
 */
export async function load(url, context, next) {
  if (!/^file:.*\.ts(\?|$)/.test(url)) return next(url, context)
  return { format: 'module', source: compiled.code(fileURLToPath(url)), shortCircuit: true }
}
