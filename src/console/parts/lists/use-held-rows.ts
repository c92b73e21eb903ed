import { type FocusEvent, type PointerEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { type HeldRows, heldRows } from './held-rows.ts'

/** How long a pointer that rests in a list keeps its order, in milliseconds. */
const restMs = 10_000

/** Handlers for the element around the rows. */
export interface HoldHandlers {
  readonly onPointerMove: (event: PointerEvent) => void
  readonly onPointerLeave: () => void
  readonly onFocus: (event: FocusEvent) => void
  readonly onBlur: () => void
}

/**
 * Whether the pointer, or the focus of the keyboard, is in a list. A click is meant for what is
 * under the pointer, so nothing may move there.
 */
export function useHold(): {
  readonly isPointed: boolean
  readonly isFocused: boolean
  readonly hold: HoldHandlers
} {
  const [isPointed, setPointed] = useState(false)
  const [isFocused, setFocused] = useState(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const hold = useMemo(
    () => ({
      onPointerMove: ({ pointerType }: PointerEvent): void => {
        // A finger points only while it taps.
        if (pointerType === 'touch') return
        clearTimeout(timer.current)
        timer.current = setTimeout(() => setPointed(false), restMs)
        setPointed(true)
      },
      onPointerLeave: (): void => {
        clearTimeout(timer.current)
        setPointed(false)
      },
      // A click focuses a row, too, and the list would stand still until another click.
      onFocus: ({ target }: FocusEvent): void => setFocused(target.matches(':focus-visible')),
      onBlur: (): void => setFocused(false),
    }),
    [],
  )
  return { isPointed, isFocused, hold }
}

/**
 * The rows in the order in which they are shown. `question`: what was asked for, such as the order
 * and the filter; its change shows the answer at once.
 */
export function useHeldRows<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  question: string,
): HeldRows<Row> & { readonly hold: HoldHandlers } {
  const { isPointed, isFocused, hold } = useHold()
  const isHeld = isPointed || isFocused
  const last = useRef<{ readonly question: string; readonly rows: readonly Row[] }>(undefined)
  const shown = useMemo(
    () =>
      isHeld && last.current?.question === question
        ? heldRows(last.current.rows, rows, keyOf)
        : { rows, gone: new Set<string>() },
    [isHeld, question, rows, keyOf],
  )
  useLayoutEffect(() => {
    last.current = { question, rows: shown.rows }
  }, [question, shown])
  return { ...shown, hold }
}
