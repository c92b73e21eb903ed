/** Light or dark as the reader prefers. One column on a phone, three columns if there is room. */
export const style = `
:root { color-scheme: light dark; --line: light-dark(#c9ced6, #3b424d); --quiet: light-dark(#59616e, #9aa4b2); --good: light-dark(#13713a, #5fd38a); --bad: light-dark(#a8261c, #ff8f85); --mark: light-dark(#0b6b5b, #52cdb2) }
* { box-sizing: border-box }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 72rem; min-height: 100dvh; display: flex; flex-direction: column; gap: .75rem }
header { display: flex; align-items: baseline; justify-content: space-between; gap: 1rem; flex-wrap: wrap }
h1 { font-size: 1.5rem; margin: 0 }
h2 { font-size: .8rem; letter-spacing: .06em; text-transform: uppercase; color: var(--quiet); margin: 0 0 .4rem }
#state { margin: 0; font-weight: 600; color: var(--quiet) }
#state::before { content: ''; display: inline-block; width: .6em; height: .6em; border-radius: 50%; background: currentColor; margin-right: .5em }
#state[data-state=connected] { color: var(--good) }
#state[data-state=refused] { color: var(--bad) }
main { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); flex: 1 }
section { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem; display: flex; flex-direction: column; min-height: 9rem; min-width: 0 }
ol { list-style: none; margin: 0; padding: 0; flex: 1 1 0; overflow-y: auto; min-height: 5rem }
section p { margin: 0 0 .4rem } section p, .what { color: var(--quiet); font-size: .85rem } .what { margin: 0 }
time { color: var(--quiet); font-size: .8rem; font-variant-numeric: tabular-nums; margin-right: .6rem }
li { padding: .2rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; white-space: pre-wrap }
li:first-child { border-top: 0 }
li[data-waiting] { color: var(--quiet); font-style: italic }
li[data-waiting]::after { content: ' (waiting)' }
li[data-lost]::after { content: ' (not taken)'; color: var(--bad) }
form label, summary { color: var(--quiet); font-size: .9rem }
.row { display: flex; gap: .5rem; margin-top: .25rem }
input { flex: 1; min-width: 0; font: inherit; padding: .6rem .75rem; border: 1px solid var(--line); border-radius: .5rem }
button { font: inherit; font-weight: 600; padding: .6rem 1.1rem; border: 1px solid var(--mark); border-radius: .5rem; background: transparent; color: var(--mark); cursor: pointer }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px }
`
