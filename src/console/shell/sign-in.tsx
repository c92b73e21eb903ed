import { type FormEvent, useState } from 'react'
import { signInHref, useProviderSession } from '../api/provider-session.ts'
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
            <p className="muted">It shows every message, client and position, so it is for operators.</p>
          </div>
          <ProviderForm />
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
export function SignInAgain({ problem }: { problem: string | undefined }) {
  return (
    <div className="again-scrim">
      <div className="dialog" role="dialog" aria-modal="true" aria-labelledby="again-title">
        <div className="dlg-in">
          <h2 id="again-title">Sign in again</h2>
          <p className="muted">Your sign-in is not accepted any longer. The page stays as it is.</p>
          <ProviderForm />
          <TokenForm problem={problem} />
        </div>
      </div>
    </div>
  )
}

const problems: Readonly<Record<string, string>> = {
  denied: 'The identity provider refused the sign-in, or an operator revoked your access.',
  invalid: 'The answer of the identity provider does not belong to this sign-in. Sign in again.',
  expired: 'The sign-in has expired. Sign in again.',
  'no-role':
    'Your account has no role in the console. Ask an administrator of the identity provider for one of the roles that this gateway accepts.',
  away: 'The identity provider does not answer. The log of the gateway has the reason.',
  busy: 'Too many sign-ins at once. Try again in a moment.',
}

/** The way in by the identity provider, if the gateway has one. */
function ProviderForm() {
  const { provider, problem, signOutUrl } = useProviderSession()
  const text = problem === undefined ? undefined : (problems[problem] ?? problems['invalid'])
  if (provider === undefined) return null
  return (
    <div className="stack sign-in-provider">
      {signOutUrl !== undefined && (
        <p className="small" role="status">
          You are signed out of the console. <a href={signOutUrl}>Sign out of {provider} too</a>
        </p>
      )}
      {text !== undefined && (
        <div className="err" role="alert">
          <Icon name="warn" />
          <span>{text}</span>
        </div>
      )}
      <a className="btn main-act" href={signInHref()}>
        <Icon name="key" />
        Sign in with {provider}
      </a>
      <p className="small muted or">or with a token</p>
    </div>
  )
}

function TokenForm({ problem }: { problem: string | undefined }) {
  const [text, setText] = useState('')
  const [invalid, setInvalid] = useState<string>()
  const { provider } = useProviderSession()
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
          autoFocus={provider === undefined}
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
      <button className={`btn ${provider === undefined ? 'main-act' : ''}`} type="submit" disabled={text.trim() === ''}>
        Sign in
      </button>
    </form>
  )
}
