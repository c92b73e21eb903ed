// Compiles TypeScript for the loader, and finds the source maps for jest. Plain JavaScript, because
// it is what makes TypeScript run.
const { createHash } = require('node:crypto')
const { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs')
const { fileURLToPath } = require('node:url')
const { transformSync, version } = require('@swc/core')

/** @type {import('@swc/core').Options} */
const options = {
  jsc: {
    parser: { syntax: 'typescript', decorators: false, explicitResourceManagement: true },
    target: 'es2022',
  },
  module: { type: 'es6' },
  sourceMaps: true,
  swcrc: false,
}

const salt = JSON.stringify([version, options])

/** A folder of compiled files. Their names are hashes of what they were compiled from. */
class CompiledFiles {
  #folder

  /** @param {string} folder */
  constructor(folder) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true })
  }

  /** @param {string} path */
  code(path) {
    const source = readFileSync(path, 'utf8')
    const target = this.#target(path, source)
    if (existsSync(target)) return readFileSync(target, 'utf8')
    const { code, map = '{}' } = transformSync(source, { ...options, filename: path })
    write(`${target}.map`, map)
    write(target, code)
    return code
  }

  /** The path of the source map of a file that `code` has compiled. @param {string} path */
  map(path) {
    return `${this.#target(path, readFileSync(path, 'utf8'))}.map`
  }

  /** @param {string} path @param {string} source */
  #target(path, source) {
    const hash = createHash('sha1').update(salt).update('\0').update(path).update('\0').update(source)
    return `${this.#folder}/${hash.digest('hex')}.js`
  }
}

/** jest looks up the source map of a stack frame by what V8 calls the file: a URL, or a path. */
class SourceMaps extends Map {
  #compiled
  /** amqplib captures a stack at each call, and jest looks up each of its frames. */
  #found = new Map()

  /** @param {CompiledFiles} compiled */
  constructor(compiled) {
    super()
    this.#compiled = compiled
  }

  /** @override @param {string} file */
  get(file) {
    if (!this.#found.has(file)) this.#found.set(file, this.#find(file))
    return this.#found.get(file)
  }

  /** @param {string} file */
  #find(file) {
    const path = file.startsWith('file:') ? fileURLToPath(file) : file
    return path.endsWith('.ts') && existsSync(path) ? this.#compiled.map(path) : undefined
  }
}

/** Writes at once or not at all, because two workers may write the same file. @param {string} path @param {string} text */
function write(path, text) {
  const temporary = `${path}.${process.pid}`
  writeFileSync(temporary, text)
  renameSync(temporary, path)
}

module.exports = { CompiledFiles, SourceMaps }
