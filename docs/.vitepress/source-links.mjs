import { cpSync, existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const docs = fileURLToPath(new URL('..', import.meta.url))
const root = dirname(docs.replace(/\/$/, ''))

/**
 * Pages link to files of the repository outside of docs: examples, the schema, the changelog. The
 * site has a copy of each under `source/`, so that the links work without a host of the repository.
 */
export class SourceLinks {
  #linked = new Set()

  /** A plugin of markdown-it: changes the links before VitePress checks them. */
  plugin = (md) => {
    md.core.ruler.push('source-links', ({ tokens, env }) => {
      for (const { attrs } of tokens.flatMap(({ children }) => children ?? [])) {
        const attribute = attrs?.find(([name]) => name === 'href')
        if (attribute) attribute[1] = this.#siteLink(attribute[1], env.relativePath ?? '')
      }
    })
  }

  #siteLink(href, page) {
    if (/^(\w+:|#|\/)/.test(href)) return href
    const [target = '', anchor] = href.split('#')
    const path = normalize(join('docs', dirname(page), target))
    if (path.startsWith('docs/') || !existsSync(join(root, path))) return href
    const file = statSync(join(root, path)).isDirectory() ? join(path, 'README.md') : path
    this.#linked.add(file)
    // VitePress takes a link to .md for one to a page.
    return `/source/${file.replace(/\.md$/, '.md.txt')}${anchor ? `#${anchor}` : ''}`
  }

  /** Copies what was linked into the built site. */
  copyTo(site) {
    for (const file of this.#linked) {
      const to = join(site, 'source', file.replace(/\.md$/, '.md.txt'))
      mkdirSync(dirname(to), { recursive: true })
      cpSync(join(root, file), to)
    }
  }

  isSource = (link) => relative('/', link).startsWith('source/')
}
