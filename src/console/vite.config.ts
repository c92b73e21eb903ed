import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'

const served = join(import.meta.dirname, '../../dist/console')
const outDir = `${served}-${process.pid}`

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}

/** The gateway sends the compressed files as they are, and compresses nothing itself. */
const compressed: Plugin = {
  name: 'compressed',
  closeBundle() {
    for (const file of filesIn(outDir)) {
      if (!/\.(html|js|css|svg)$/.test(file)) continue
      const path = join(outDir, file)
      const quality = { [constants.BROTLI_PARAM_QUALITY]: 9 }
      writeFileSync(`${path}.br`, brotliCompressSync(readFileSync(path), { params: quality }))
    }
  },
}

/** Replaces file by file, because a gateway of this folder may be running and read them. */
const replaced: Plugin = {
  name: 'replaced',
  closeBundle: {
    order: 'post',
    handler() {
      const made = new Set(filesIn(outDir))
      for (const file of made) {
        mkdirSync(dirname(join(served, file)), { recursive: true })
        renameSync(join(outDir, file), join(served, file))
      }
      for (const file of filesIn(served)) if (!made.has(file)) rmSync(join(served, file), { force: true })
      rmSync(outDir, { recursive: true })
    },
  },
}

/** Fonts of GraphiQL, 200 KiB as data URLs, which the policy forbids. */
const withoutFonts: Plugin = {
  name: 'without-fonts',
  enforce: 'pre',
  transform(code, id) {
    return /graphiql.*\.css$/.test(id) ? code.replace(/@font-face\s*\{[^}]*\}/g, '') : undefined
  },
}

/** What only the Explorer loads has its own folder, so that its size is counted apart. */
const explorerFolder = 'assets/explorer/[name]-[hash]'
const ofExplorer =
  /\/views\/explorer\/|node_modules\/(graphiql|@graphiql|codemirror|codemirror-graphql|graphql-language-service)\//

export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  publicDir: 'public',
  logLevel: 'warn',
  plugins: [withoutFonts, compressed, replaced],
  resolve: { alias: { 'react-remove-scroll': join(import.meta.dirname, 'parts/remove-scroll.tsx') } },
  build: {
    outDir,
    emptyOutDir: true,
    target: 'es2023',
    // The policy of the page allows no inline script or style, and no data URLs.
    assetsInlineLimit: 0,
    // GraphiQL is one chunk of 1 MB, which only the Explorer loads.
    chunkSizeWarningLimit: 1_200,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // The second page is that of the demo (src/cli/demo/front).
      input: ['index.html', 'demo.html'].map((page) => join(import.meta.dirname, page)),
      output: {
        chunkFileNames: ({ moduleIds }) =>
          `${moduleIds.some((id) => ofExplorer.test(id)) ? explorerFolder : 'assets/[name]-[hash]'}.js`,
        assetFileNames: ({ names }) =>
          `${names.some((name) => name.startsWith('explorer')) ? explorerFolder : 'assets/[name]-[hash]'}[extname]`,
      },
      // React's directives for servers have no meaning here.
      onLog: (level, log, report) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log)
      },
    },
  },
})
