import { type AnchorHTMLAttributes, type MouseEvent, useCallback, useMemo, useSyncExternalStore } from 'react'

const base = '/console'
const listeners = new Set<() => void>()
const notify = (): void => {
  for (const listener of listeners) listener()
}
addEventListener('popstate', notify)
// Links within pictures are plain anchors of SVG.
document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return
  const href = (event.target as Element).closest('svg a')?.getAttribute('href')
  if (!href?.startsWith(base)) return
  event.preventDefault()
  history.pushState(null, '', href)
  notify()
})

function listen(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

const addressNow = (): string => location.pathname + location.search

/** The view in the address, such as `clients`; empty for the overview. */
export function useView(): string {
  const address = useSyncExternalStore(listen, addressNow)
  return address.slice(base.length).replace(/^\//, '').split(/[/?]/, 1)[0] ?? ''
}

/** `go('clients', { id: 'alice' })`. `replace`: without an entry in the history. */
export function go(view: string, params: Params = {}, { replace = false } = {}): void {
  const href = hrefOf(view, params)
  if (replace) history.replaceState(null, '', href)
  else history.pushState(null, '', href)
  notify()
}

export type Params = Readonly<Record<string, string | undefined>>

export function hrefOf(view: string, params: Params = {}): string {
  const search = new URLSearchParams(
    Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
  ).toString()
  return `${base}${view === '' ? '' : `/${view}`}${search === '' ? '' : `?${search}`}`
}

/** The parameters of the address: the state of the view, so that a link shows the same. */
export function useParams(): [URLSearchParams, (changes: Params, options?: { push?: boolean }) => void] {
  const address = useSyncExternalStore(listen, addressNow)
  const params = useMemo(() => new URLSearchParams(address.split('?')[1] ?? ''), [address])
  const change = useCallback((changes: Params, { push = false } = {}) => {
    const next = new URLSearchParams(location.search)
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined || value === '') next.delete(name)
      else next.set(name, value)
    }
    const search = next.toString()
    const href = location.pathname + (search === '' ? '' : `?${search}`)
    if (href === addressNow()) return
    if (push) history.pushState(null, '', href)
    else history.replaceState(null, '', href)
    notify()
  }, [])
  return [params, change]
}

/** A link within the console. */
export function Link({
  to,
  params,
  ...rest
}: { to: string; params?: Params } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'>) {
  const onClick = (event: MouseEvent<HTMLAnchorElement>): void => {
    rest.onClick?.(event)
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return
    event.preventDefault()
    go(to, params)
    document.getElementById('main')?.scrollTo(0, 0)
  }
  return <a {...rest} href={hrefOf(to, params)} onClick={onClick} />
}
