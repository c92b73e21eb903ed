/**
 * GraphiQL leaves its editors without a name, and its tabs contain buttons, which a screen reader
 * cannot reach. Names the editors, and makes the tabs a list of buttons. Returns a function that
 * ends it.
 */
export function repairNames(root: HTMLElement): () => void {
  const repair = (): void => {
    for (const area of root.querySelectorAll('textarea:not([aria-label])'))
      area.setAttribute('aria-label', area.closest('section')?.getAttribute('aria-label') ?? 'Editor')
    // What scrolls is reached by the keyboard.
    for (const scroller of root.querySelectorAll('.CodeMirror-scroll[tabindex="-1"]'))
      scroller.setAttribute('tabindex', '0')
    for (const tab of root.querySelectorAll('[aria-selected].graphiql-tab')) {
      tab.querySelector('button')?.setAttribute('aria-current', tab.getAttribute('aria-selected') ?? 'false')
      tab.removeAttribute('aria-selected')
      tab.removeAttribute('role')
      tab.parentElement?.removeAttribute('role')
    }
  }
  repair()
  const observer = new MutationObserver(repair)
  observer.observe(root, { childList: true, subtree: true, attributeFilter: ['aria-selected'] })
  return () => observer.disconnect()
}
