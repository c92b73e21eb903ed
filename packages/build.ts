import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { transformSync } from 'esbuild'

/**
 * Makes the packages for other programs out of folders of `src`. The gateway's own build has
 * compiled these to ES modules and declarations in `dist`. Here, each module gets a counterpart in
 * CommonJS, and an import of another folder becomes one of the package that has it.
 *
 * One file for each module, so that a bundler takes what is used, and so that the entry points of
 * one package share their classes: `SubscriptionEnded` is the same one in all of them.
 */

interface PackageSource {
  /** A folder of `src` and of `dist`. */
  readonly folder: string
  /** Specifiers of other folders → those of packages. */
  readonly imports: Readonly<Record<string, string>>
}

const sources: Readonly<Record<string, PackageSource>> = {
  client: { folder: 'client', imports: {} },
  react: {
    folder: 'react',
    imports: { '../client/resume': '@warren/client', '../client/state': '@warren/client/state' },
  },
  testing: { folder: 'testing', imports: {} },
}

/** The specifiers of imports and exports, also those of types. */
const specifiers = /(?<=\bfrom\s*|\bimport\s*\(?\s*)(['"])(\.\.?\/[^'"]+?)\.[jt]s\1/g

for (const [name, { folder, imports }] of Object.entries(sources)) {
  const outdir = join('packages', name, 'dist')
  const written = new Set<string>()
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true })
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text)
    written.add(path)
  }
  const withSpecifiers = (text: string, extension: string): string =>
    text.replaceAll(specifiers, (_specifier, quote: string, path: string) => {
      const imported = imports[path] ?? (isInside(path, folder) ? `${path}${extension}` : undefined)
      if (imported === undefined) throw new Error(`src/${folder} imports ${path}, which is in no package`)
      return `${quote}${imported}${quote}`
    })
  for (const path of readdirSync(join('dist', folder), { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.js')) continue
    const module = path.slice(0, -'.js'.length)
    const code = withoutMap(readFileSync(join('dist', folder, path), 'utf8'))
    const declarations = readFileSync(join('dist', folder, `${module}.d.ts`), 'utf8')
    const commonJs = transformSync(withSpecifiers(code, '.cjs'), {
      format: 'cjs',
      platform: 'node',
      target: 'es2022',
      define: { 'import.meta.url': '__filename' },
    })
    write(join(outdir, `${module}.js`), withSpecifiers(code, '.js'))
    write(join(outdir, `${module}.d.ts`), withSpecifiers(declarations, '.js'))
    write(join(outdir, `${module}.cjs`), commonJs.code)
    write(join(outdir, `${module}.d.cts`), withSpecifiers(declarations, '.cjs'))
  }
  // A module that no longer exists. Programs may be loading the others.
  for (const path of readdirSync(outdir, { recursive: true, encoding: 'utf8' }).map((name) => join(outdir, name)))
    if (/\.c?[jt]s$/.test(path) && !written.has(path)) rmSync(path)
}

/** Adapters are in a folder of their own, and import what is above it. */
function isInside(path: string, folder: string): boolean {
  return path.startsWith('./') || (path.startsWith('../') && !/^\.\.\/[^/]+\//.test(path) && folder === 'client')
}

/** The maps name files that the package does not contain. */
function withoutMap(code: string): string {
  return code.replace(/^\/\/# sourceMappingURL=.*\n?/m, '')
}
