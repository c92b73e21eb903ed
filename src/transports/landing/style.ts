const light =
  '--canvas: #f6f5f1; --surface: #fff; --sunken: #f0eee9; --line: #e3e0d9; --line-strong: #87807a; --ink: #1b1916; --ink-2: #534f47; --ink-3: #69645a; --accent: #0b6b5b; --on-accent: #fff; --data: #2f9e87; --tunnel: #e4efeb; --tunnel-line: #c3ddd5; --fail: #a8330a'
const dark =
  '--canvas: #11100e; --surface: #191816; --sunken: #141311; --line: #2c2a26; --line-strong: #7d776c; --ink: #f1eee7; --ink-2: #b9b3a7; --ink-3: #9a9387; --accent: #52cdb2; --on-accent: #0a1f1a; --data: #3fae95; --tunnel: #1b2a26; --tunnel-line: #28463d; --fail: #ff9468'

/** The colours of `src/console/styles/tokens.css`. Without a script, the system decides. */
export const style = `
:root { color-scheme: light; ${light} }
@media (prefers-color-scheme: dark) { :root { color-scheme: dark; ${dark} } }
:root[data-theme=light] { color-scheme: light; ${light} }
:root[data-theme=dark] { color-scheme: dark; ${dark} }
* { box-sizing: border-box }
body { margin: 0; background: var(--canvas); color: var(--ink); font: 0.9375rem/1.5 system-ui, sans-serif }
header { display: flex; align-items: center; gap: 0.5rem; padding: 1rem 2rem }
main { max-width: 72rem; margin: 0 auto; padding: 0 2rem 2rem }
.hero { display: grid; grid-template-columns: minmax(0, 1.02fr) minmax(0, 1fr); gap: 3rem; align-items: center; padding: 2rem 0 }
.hero figure { margin: 0 } .flow { width: 100%; height: auto; display: block } .flow text { fill: var(--ink-2); font-size: 11px }
.tunnel { fill: none; stroke: var(--tunnel); stroke-width: 20; stroke-linecap: round } .pill { fill: var(--surface); stroke: var(--tunnel-line) } .dot { fill: var(--data) } .here { fill: var(--surface); stroke: var(--accent); stroke-width: 1.5 }
.run { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linecap: round; stroke-dasharray: 0.1 11; animation: run 1.1s linear infinite } .run.slow { animation-duration: 2.6s }
@keyframes run { to { stroke-dashoffset: -11.1 } }
@media (prefers-reduced-motion: reduce) { .run { animation: none } }
.acts { display: flex; flex-wrap: wrap; gap: 0.75rem; margin: 1.5rem 0 0 }
.btn { display: inline-flex; align-items: center; min-height: 2.5rem; padding: 0 1rem; border: 1px solid var(--line-strong); border-radius: 0.375rem; background: var(--surface); color: var(--ink); font: inherit; font-weight: 500; text-decoration: none; cursor: pointer }
.btn[hidden] { display: none } .btn:hover { border-color: var(--accent) } .btn:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px } .main-act { background: var(--accent); border-color: var(--accent); color: var(--on-accent) }
header .btn { margin-left: auto; padding: 0 0.75rem; border-color: transparent; background: none } header svg { fill: none; stroke: currentColor; stroke-width: 1.4; stroke-linecap: round }
h1 { font-size: 2.5rem; line-height: 1.1; letter-spacing: -0.03em; max-width: 36rem; margin: 0; text-wrap: balance }
h2 { font-size: 0.875rem; margin: 0 0 0.25rem }
.lead { font-size: 1.125rem; color: var(--ink-2); max-width: 36rem }
.state { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin-top: 1.5rem; color: var(--ink-2); font-size: 0.8125rem }
.up::before, .down::before { content: ""; display: inline-block; width: 0.5rem; height: 0.5rem; margin-right: 0.5rem; border-radius: 50%; background: var(--accent) }
.down { color: var(--fail) } .down::before { background: var(--fail); border-radius: 1px }
nav, .panels { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr)); margin-bottom: 1rem }
.panels { grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)) }
.panel { background: var(--surface); border: 1px solid var(--line); border-radius: 0.625rem; padding: 1rem; color: inherit; text-decoration: none; overflow: auto }
a.door:hover, a.door:focus-visible { border-color: var(--accent); outline: 0 } a.door h2 { color: var(--accent) }
.door p { margin: 0 0 0.25rem; color: var(--ink-2); font-size: 0.8125rem }
code, pre { font-family: ui-monospace, monospace; font-size: 0.8125rem } .door code { color: var(--ink-3) }
pre { margin: 0.5rem 0 0; padding: 0.75rem; background: var(--sunken); border-radius: 0.375rem }
table { border-collapse: collapse; width: 100%; font-size: 0.8125rem } th { text-align: left; font-weight: 500 } th, td { padding: 0.375rem 0.75rem 0.375rem 0; border-bottom: 1px solid var(--line) } tr:last-child > * { border-bottom: 0 }
footer { border-top: 1px solid var(--line); padding: 1rem 2rem; color: var(--ink-3); font-size: 0.8125rem }
@media (max-width: 719px) { header { padding: 1rem } .hero { grid-template-columns: minmax(0, 1fr); gap: 1.5rem } .acts .btn { flex: 1; justify-content: center } main { padding: 0 1rem 1.5rem } .hero { padding: 1.5rem 0 } h1 { font-size: 1.875rem } }
`

/** One entrance, three tunnels. */
export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><mask id="t" maskUnits="userSpaceOnUse" x="0" y="0" width="16" height="16"><rect width="16" height="16" rx="3.5" fill="#fff"/><circle cx="8" cy="16" r="3.8"/><path d="M8 15V-1M8 15C8 10.5 3 9.5 3 -1.5M8 15C8 10.5 13 9.5 13 -1.5" fill="none" stroke="#000" stroke-width="1.8"/></mask><rect fill="#1f8a74" width="16" height="16" rx="3.5" mask="url(#t)"/></svg>`
