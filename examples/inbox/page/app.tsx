import { useSyncExternalStore } from 'react'
import { createRoot } from 'react-dom/client'
import { InboxStore, type Settings } from './inbox.ts'

function InboxPage({ store, device }: { readonly store: InboxStore; readonly device: string }) {
  const { messages, unread, stopped } = useSyncExternalStore(store.subscribe, store.getSnapshot)
  return (
    <>
      <p>
        On the {device}: <output aria-label="Unread">{unread}</output> unread{' '}
        <button type="button" disabled={unread === 0} onClick={() => void store.markRead()}>
          Mark all as read
        </button>
      </p>
      {stopped && <p role="alert">{stopped}</p>}
      <ol aria-label="Messages">
        {messages.map(({ cursor, text }) => (
          <li key={cursor}>{text}</li>
        ))}
      </ol>
    </>
  )
}

const settings = JSON.parse(document.querySelector('#settings')?.textContent ?? '{}') as Settings
const root = document.querySelector('#root')
if (!root) throw new Error('expected an element #root')
const store = new InboxStore(settings)
try {
  const consumer = await store.open()
  addEventListener('pagehide', () => void consumer.stop())
  createRoot(root).render(<InboxPage store={store} device={settings.device} />)
} catch (error) {
  root.textContent = `The inbox cannot be read: ${String(error)}`
}
