import { type FormEvent, useState } from 'react'
import { claimsOf, setToken } from '../api/token.ts'
import { Icon, Mark } from '../parts/icon.tsx'

/** The way in with a token. `problem`: why the last one is not accepted. */
export function SignIn({ problem }: { problem: string | undefined }) {
  return (
    <main className="sign-in" id="main">
      <div className="sign-in-mark">
        <Mark />
        <span>Warren</span>
      </div>
      <div className="panel">
        <div className="pad stack loose">
          <div>
            <h1>Sign in to the console</h1>
            <p className="muted">It shows every message, client and position, so it needs an operator’s token.</p>
          </div>
          <TokenForm problem={problem} />
        </div>
        <div className="pad stack sign-in-help">
          <h2>Where do I get a token?</h2>
          <ul className="stack small muted">
            <li>
              <Icon name="key" /> With a generated secret, the gateway prints a sign-in link when it starts.
            </li>
            <li>
              <Icon name="explorer" /> Otherwise: <code>npx warren token --operator --ttl 8h</code>
            </li>
            <li>
              <Icon name="lock" /> To look and change nothing: <code>npx warren token --scope observe</code>
            </li>
          </ul>
        </div>
      </div>
    </main>
  )
}

/** Over a page whose token expired: the page stays. */
export function SignInAgain({ problem }: { problem: string }) {
  return (
    <div className="again-scrim">
      <div className="dialog" role="dialog" aria-modal="true" aria-labelledby="again-title">
        <div className="dlg-in">
          <h2 id="again-title">Sign in again</h2>
          <p className="muted">Your token is not accepted any longer. The page stays as it is.</p>
          <TokenForm problem={problem} />
        </div>
      </div>
    </div>
  )
}

function TokenForm({ problem }: { problem: string | undefined }) {
  const [text, setText] = useState('')
  const [invalid, setInvalid] = useState<string>()
  const shown = invalid ?? problem
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    // A whole sign-in link, a header or the token alone.
    const token = text
      .trim()
      .replace(/^.*#token=/s, '')
      .replace(/^Bearer\s+/i, '')
    const claims = claimsOf(token)
    if (!claims) return setInvalid('This is no token: a token has three parts, separated by dots.')
    if (claims.scope.length > 0 && !claims.scope.includes('operator') && !claims.scope.includes('observe'))
      return setInvalid(`This token has the scope “${claims.scope.join(' ')}”. The console needs operator or observe.`)
    if (claims.expiresAt && claims.expiresAt <= new Date()) return setInvalid('This token has expired.')
    setInvalid(undefined)
    setToken(token)
  }
  return (
    <form className="stack" onSubmit={submit}>
      <div className="field">
        <label htmlFor="token">Token, or the whole sign-in link</label>
        <input
          id="token"
          className="input mono"
          type="password"
          autoComplete="off"
          spellCheck={false}
          autoFocus
          value={text}
          aria-invalid={shown !== undefined}
          aria-describedby={shown === undefined ? undefined : 'token-problem'}
          onChange={(event) => setText(event.target.value)}
        />
        {shown !== undefined && (
          <div className="err" id="token-problem" role="alert">
            <Icon name="warn" />
            <span>{shown}</span>
          </div>
        )}
      </div>
      <button className="btn main-act" type="submit" disabled={text.trim() === ''}>
        Sign in
      </button>
    </form>
  )
}
