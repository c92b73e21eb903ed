import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/**
 * Makes a release of the gateway and its packages, which have one version:
 *
 *     npm run release -- 0.3.0 --dry-run
 *
 * It writes the version wherever it is named, dates the entry "Unreleased" of the changelog, makes
 * the generated files again, commits, packs into `release/` and tags. It publishes and pushes
 * nothing: the last lines that it prints do. With `--dry-run` it checks, and prints what it would
 * do.
 */

/**
 * Where the version is named, besides the manifests of the packages: a file, and the text before
 * it. What is generated of these is not listed.
 */
const places: readonly (readonly [path: string, before: RegExp])[] = [
  ['Dockerfile', /^ARG VERSION=/],
  ['k8s/chart/Chart.yaml', /^(?:appVersion|version): /],
  ['k8s/overlays/development/kustomization.yaml', /^ +newTag: /],
  ['k8s/overlays/production/kustomization.yaml', /^ +newTag: /],
  ['docs/guides/deploy.md', /\bwarren:|^org\.opencontainers\.image\.version |^/],
  ['docs/guides/kubernetes.md', /\bwarren[:-]/],
  ['docs/quick-start.md', /\bwarren:/],
]

interface Manifest {
  readonly name: string
  version: string
  readonly dependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
}

class ReleaseProblem extends Error {}

function release(version: string, { date, isDry }: { date: string; isDry: boolean }): void {
  const folders = ['.', ...readdirSync('packages').map((name) => join('packages', name))].filter((folder) =>
    existsSync(join(folder, 'package.json')),
  )
  const names = folders.map((folder) => manifestIn(folder).name)
  const { version: old } = manifestIn('.')
  const tag = `v${version}`
  check(version, old, date)

  const edits = new Map<string, string>()
  for (const folder of folders) {
    const path = join(folder, 'package.json')
    edits.set(path, manifestOf(readFileSync(path, 'utf8'), names, version))
  }
  edits.set('package-lock.json', lockOf(readFileSync('package-lock.json', 'utf8'), { folders, names, version }))
  for (const [path, before] of places) edits.set(path, renamed(path, before, { old, version }))
  edits.set('CHANGELOG.md', dated(readFileSync('CHANGELOG.md', 'utf8'), version, date))

  const commands: (readonly string[])[] = [
    ['npm', 'run', '--silent', 'generate'],
    ['bash', 'k8s/build.sh'],
    ['npm', 'run', '--silent', 'build'],
    ['git', 'commit', '--all', '--quiet', '--message', `release: ${version}`],
    ...folders.map((folder) => [
      'npm',
      'pack',
      `./${folder}`,
      '--ignore-scripts',
      '--silent',
      '--pack-destination',
      'release',
    ]),
    ['git', 'tag', '--annotate', tag, '--message', `Warren ${version}`],
  ]
  for (const path of edits.keys()) print(`${isDry ? 'would change' : 'changes'} ${path}`)
  if (!isDry) {
    for (const [path, text] of edits) writeFileSync(path, text)
    mkdirSync('release', { recursive: true })
  }
  for (const command of commands) {
    print(`${isDry ? 'would run' : 'runs'} ${command.join(' ')}`)
    if (!isDry) execFileSync(command[0] ?? '', command.slice(1), { stdio: 'inherit' })
  }
  print(`then: git push --follow-tags, and for each file in release/: npm publish --provenance <file>`)
}

function check(version: string, old: string, date: string): void {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new ReleaseProblem(`version: expected such as 0.3.0, got ${version}`)
  const isNewer = version.localeCompare(old, 'en', { numeric: true }) > 0
  if (!isNewer) throw new ReleaseProblem(`version: expected a newer one than ${old}, got ${version}`)
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) throw new ReleaseProblem(`--date: expected such as 2026-11-29, got ${date}`)
  const changes = git('status', '--porcelain')
  if (changes !== '') throw new ReleaseProblem(`the tree has changes that are not committed:\n${changes}`)
  if (git('tag', '--list', `v${version}`) !== '') throw new ReleaseProblem(`the tag v${version} exists`)
}

/** Text in and text out, so that nothing else in the file changes its form. */
function manifestOf(text: string, names: readonly string[], version: string): string {
  const own = text.replace(/^ {2}"version": "[^"]*"/m, `  "version": "${version}"`)
  return names.reduce((result, name) => result.replace(new RegExp(`("${name}": )"\\d[^"]*"`), `$1"${version}"`), own)
}

function lockOf(
  text: string,
  { folders, names, version }: { folders: readonly string[]; names: readonly string[]; version: string },
): string {
  const lock = JSON.parse(text) as { version: string; packages: Record<string, Manifest> }
  lock.version = version
  for (const folder of folders) {
    const entry = lock.packages[folder === '.' ? '' : folder]
    if (!entry) throw new ReleaseProblem(`package-lock.json: no entry for ${folder}: run npm install`)
    entry.version = version
    for (const ranges of [entry.dependencies, entry.peerDependencies])
      for (const name of names) if (ranges?.[name] !== undefined) ranges[name] = version
  }
  return `${JSON.stringify(lock, undefined, 2)}\n`
}

function renamed(path: string, before: RegExp, { old, version }: { old: string; version: string }): string {
  const escaped = old.replaceAll('.', String.raw`\.`)
  const pattern = new RegExp(`(${before.source})${escaped}(?![\\d.]*\\d)`, 'gm')
  const text = readFileSync(path, 'utf8')
  if (!pattern.test(text)) throw new ReleaseProblem(`${path}: expected the version ${old} after ${before.source}`)
  return text.replaceAll(pattern, (_found, kept: string) => `${kept}${version}`)
}

function dated(changelog: string, version: string, date: string): string {
  const heading = '\n## Unreleased\n'
  const [, entry = ''] = changelog.split(heading)
  if ((entry.split('\n## ')[0] ?? '').trim() === '')
    throw new ReleaseProblem('CHANGELOG.md: expected an entry under "Unreleased"')
  return changelog.replace(heading, `\n## ${version} (${date})\n`)
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8' }).trim()
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'dry-run': { type: 'boolean', default: false }, date: { type: 'string' } },
})
try {
  const [version = '', ...rest] = positionals
  if (version === '' || rest.length > 0) throw new ReleaseProblem('expected one version: npm run release -- 0.3.0')
  release(version, { date: values.date ?? new Date().toISOString().slice(0, 10), isDry: values['dry-run'] })
} catch (error) {
  if (!(error instanceof ReleaseProblem)) throw error
  process.stderr.write(`release: ${error.message}\n`)
  process.exitCode = 1
}
