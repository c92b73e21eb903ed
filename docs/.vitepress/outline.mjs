import { readFileSync } from 'node:fs'

/**
 * The sidebar, from docs/README.md: a group for each section, an entry for each link to a page of
 * the site. So the index that readers have in the repository and the one of the site are the same.
 */
export function sidebar() {
  const [start = '', ...sections] = readFileSync(new URL('../README.md', import.meta.url), 'utf8').split(/^## /m)
  const groups = [`Start\n${start}`, ...sections].map((section) => ({
    text: section.slice(0, section.indexOf('\n')),
    items: [...section.matchAll(/\[([^\]]+)\]\((?!\.\.|https?:)([^)#]+)\.md\)/g)].map(([, text, page]) => ({
      text: text.replaceAll(/\s+/g, ' ').replaceAll('`', ''),
      link: `/${page}`,
    })),
  }))
  const parts = ['2-subscribe', '3-resume', '4-production'].map((part) => ({
    text: { '2-subscribe': 'Subscribe in React', '3-resume': 'Resume', '4-production': 'Go to production' }[part],
    link: `/tutorial/${part}`,
  }))
  const tutorial = groups[0].items.find(({ link }) => link.startsWith('/tutorial/'))
  if (tutorial) Object.assign(tutorial, { items: parts })
  // The examples are files of the repository, and in the pages that describe them.
  return groups
    .filter(({ text, items }) => text !== 'Examples' && items.length > 0)
    .map((group, index) => ({ ...group, collapsed: index > 0 ? false : undefined }))
}
