import { type FormEvent, useState } from 'react'
import { CreateClientDocument } from '../../api/generated/graphql.ts'
import { execute, Failure } from '../../api/graphql.ts'
import { Copy } from '../../parts/copy.tsx'
import { Modal } from '../../parts/dialog.tsx'

const fields = [
  ['clientId', 'Client id', 'text'],
  ['name', 'Name', 'text'],
  ['email', 'E-mail', 'email'],
  ['password', 'Password', 'password'],
] as const

/** Registers a client and shows the token of its channel once. */
export function NewClient({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const [input, setInput] = useState({ clientId: '', name: '', email: '', password: '' })
  const [failure, setFailure] = useState<Failure>()
  const [token, setToken] = useState<string>()
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    try {
      const { createClientChannel } = await execute(CreateClientDocument, { input })
      setToken(createClientChannel.token)
      onMade()
    } catch (error) {
      setFailure(error instanceof Failure ? error : new Failure('ERROR', String(error)))
    }
  }
  return (
    <Modal title="New client channel" onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <div className="dlg-in">
          <h2>New client channel</h2>
          {token === undefined ? (
            fields.map(([name, label, type]) => {
              const wrong = failure?.field?.endsWith(name) === true
              return (
                <div className="field" key={name}>
                  <label htmlFor={`new-${name}`}>{label}</label>
                  <input
                    id={`new-${name}`}
                    className="input"
                    type={type}
                    autoComplete="off"
                    value={input[name]}
                    aria-invalid={wrong}
                    onChange={(event) => setInput({ ...input, [name]: event.target.value })}
                  />
                  {wrong && <div className="err">{failure.message}</div>}
                </div>
              )
            })
          ) : (
            <div className="stack">
              <p>{input.clientId} is registered. This token is shown once:</p>
              <Copy value={token} label="the token" />
            </div>
          )}
          {failure && !fields.some(([name]) => failure.field?.endsWith(name)) && (
            <p className="small fail" role="alert">
              {failure.message}
            </p>
          )}
        </div>
        <div className="dlg-foot">
          <button className="btn" type="button" onClick={onClose}>
            {token === undefined ? 'Cancel' : 'Close'}
          </button>
          {token === undefined && (
            <button className="btn main-act" type="submit">
              Register the client
            </button>
          )}
        </div>
      </form>
    </Modal>
  )
}
