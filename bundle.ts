import { readdirSync, rmSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { build } from 'esbuild'

/**
 * Makes `dist/program`, the program with its packages in a few files. Node.js compiles more than a
 * thousand modules at each start otherwise, which takes two thirds of the CPU time of a start. What
 * other programs import are modules of `dist` (`tsconfig.build.json`).
 */

const drivers = 'src/distributor/drivers'
const outdir = 'dist/program'

const { metafile } = await build({
  // The program finds its drivers beside itself (`src/distributor/open-driver.ts`).
  entryPoints: {
    main: 'src/main.ts',
    'testing-worker': 'src/testing/worker.ts',
    ...Object.fromEntries(
      readdirSync(drivers).map((file) => [`drivers/${basename(file, '.ts')}`, `${drivers}/${file}`]),
    ),
  },
  outdir,
  metafile: true,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  // Node.js reads the map at each start if asked for source maps.
  sourcesContent: false,
  logLevel: 'warning',
  // Native code, and what few gateways load: 9 MB of GraphiQL, and OpenTelemetry.
  external: ['libsql', '@node-rs/argon2', 'pg-native', '@graphql-yoga/render-graphiql', '@opentelemetry/*'],
  // Packages in CommonJS call `require` for Node's own modules. Some packages import `createRequire`
  // themselves, so the name in the banner is another one.
  banner: {
    js: `import{createRequire as warrenRequire}from'node:module';const require=warrenRequire(import.meta.url);`,
  },
})

// Chunks are named after their content, and those of an earlier build would stay. They go last,
// because a program may be loading them: the first `npx warren` in a checkout builds it.
const written = new Set(Object.keys(metafile.outputs).map((path) => resolve(path)))
for (const path of readdirSync(outdir, { recursive: true, encoding: 'utf8' }).map((name) =>
  resolve(join(outdir, name)),
))
  if (/\.(js|map)$/.test(path) && !written.has(path)) rmSync(path)
