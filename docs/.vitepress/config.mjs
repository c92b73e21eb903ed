import { fileURLToPath } from 'node:url'
import { sidebar } from './outline.mjs'
import { SourceLinks } from './source-links.mjs'

const sourceLinks = new SourceLinks()

/** As GitHub forms the anchors of headings, because pages are read there, too. */
const slugify = (title) =>
  title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

export default {
  title: 'Warren',
  description: 'The GraphQL gateway for RabbitMQ',
  lang: 'en',
  cleanUrls: true,
  rewrites: { 'README.md': 'index.md' },
  ignoreDeadLinks: [sourceLinks.isSource, /^https?:\/\/(localhost|127\.0\.0\.1)/],
  markdown: {
    // Text such as <namespace> is text.
    html: false,
    anchor: { slugify },
    config: (md) => md.use(sourceLinks.plugin),
  },
  themeConfig: {
    sidebar: sidebar(),
    outline: [2, 3],
    search: { provider: 'local' },
    nav: [
      { text: 'Quick start', link: '/quick-start' },
      { text: 'Tutorial', link: '/tutorial/1-publish' },
      { text: 'Configuration', link: '/config' },
    ],
  },
  // Vue is installed here, and pages are compiled to modules of the folder above.
  vite: {
    resolve: {
      alias: [
        { find: /^vue(\/.*)?$/, replacement: `${fileURLToPath(new URL('node_modules/vue', import.meta.url))}$1` },
      ],
    },
  },
  buildEnd: ({ outDir }) => sourceLinks.copyTo(outDir),
}
