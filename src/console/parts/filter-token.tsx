/** A part of the filter in the address, such as `client: alice`, and a way to remove it. */
export function FilterToken({ word, value, onRemove }: { word: string; value: string; onRemove: () => void }) {
  return (
    <span className="token">
      <b>{word}:</b>
      {value}
      <button type="button" aria-label={`Remove the filter ${word}`} onClick={onRemove}>
        ×
      </button>
    </span>
  )
}
