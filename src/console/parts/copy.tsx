import type { ReactNode } from 'react'
import { toast } from '../shell/toasts.tsx'
import { short } from './format.ts'
import { Icon } from './icon.tsx'

export async function copyText(text: string, what = 'Copied'): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    toast(what)
  } catch {
    toast('The browser does not allow copying here. Select the text and copy it.')
  }
}

/** A value in its short form, and a button that copies all of it. */
export function Copy({ value, label, children }: { value: string; label?: string; children?: ReactNode }) {
  return (
    <span className="copy">
      <span className="mono" title={value}>
        {children ?? short(value)}
      </span>
      <button type="button" aria-label={`Copy ${label ?? value}`} onClick={() => void copyText(value)}>
        <Icon name="copy" />
      </button>
    </span>
  )
}

/** Copies the address of the page, which holds the state of the view. */
export function CopyLink({ params = {} }: { params?: Readonly<Record<string, string>> }) {
  const copy = (): void => {
    const url = new URL(location.href)
    for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value)
    void copyText(url.href, 'Link copied')
  }
  return (
    <button className="btn ghost sm hide-phone" type="button" onClick={copy}>
      <Icon name="copy" />
      Copy link
    </button>
  )
}
