import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ConsoleRole } from '../../../auth/sign-in/console-role.ts'
import type { IdentityProviderClient, PendingSignIn, SignedIn } from '../../../auth/sign-in/identity-provider.ts'
import { SignInProblem, type SignInProblemCode } from '../../../auth/sign-in/sign-in-problem.ts'
import { type HttpRoutes, type RequestHandler, sendJson } from '../../http/answer-request.ts'
import type { PageGuard } from '../../http/page-guard.ts'
import { addressOf } from '../../http/peer-address.ts'
import { consolePath } from '../console-files.ts'
import { publicOriginOf } from './public-origin.ts'
import { SealedCookie } from './sealed-cookie.ts'

/** A user who signed in by the identity provider. */
export interface ConsoleUser {
  /** The subject at the provider. */
  readonly subject: string
  readonly name: string
  readonly role: ConsoleRole
  /** In milliseconds. */
  readonly signedInAt: number
}

export interface ConsoleSignInOptions {
  readonly provider: () => Promise<IdentityProviderClient>
  /** The name of the provider, for the button. */
  readonly providerName: string
  /** The issuer, and the client id there. */
  readonly issuedFor: string
  /** Undefined: the origin that the request names. */
  readonly origin: string | undefined
  readonly sessionMs: number
  readonly secret: string
  readonly proxyHops: number
  readonly guard: PageGuard
  /** Signs a token for the API. Rejects if the user is revoked or banned. */
  readonly issueToken: (user: ConsoleUser, expiresAt: number) => Promise<string>
  readonly audit: (user: ConsoleUser, address: string, action: 'sign in' | 'sign out') => void
  readonly log: (text: string, details: Record<string, unknown>) => void
}

/** The session, sealed in a cookie. Times are in milliseconds. */
interface Session extends ConsoleUser {
  readonly refreshToken: string | undefined
  /** Until then, tokens are issued without asking the provider. */
  readonly confirmedUntil: number
}

interface Pending extends PendingSignIn {
  /** The view of the console to return to. */
  readonly view: string
  readonly begunAt: number
}

const callbackPath = `${consolePath}/oidc/callback`
/** How long a user may take on the pages of the provider. */
const pendingMs = 600_000
const longestTokenMs = 600_000
/** A token is a fraction of a short session, so that the provider is asked within it. */
const tokensInSession = 4
/** Requests to the provider at once, for all users. */
const maxQuestions = 16
/** Lines a second about refused sign-ins. */
const maxLines = 5

/**
 * Sign-in to the console by an OpenID Connect provider. The gateway talks to the provider, and the
 * page gets a short token of the gateway, which it renews here. So no page sends a request to
 * another host, and provider tokens never reach a script. Nothing is stored on the gateway: the
 * state is in sealed cookies.
 */
export class ConsoleSignIn {
  readonly #options: ConsoleSignInOptions
  readonly #pending: SealedCookie<Pending>
  readonly #session: SealedCookie<Session>
  #questions = 0
  #second = 0
  #lines = 0

  constructor(options: ConsoleSignInOptions) {
    this.#options = options
    const { secret, issuedFor } = options
    this.#pending = new SealedCookie({ name: 'sign-in', secret, issuedFor, path: callbackPath, sameSite: 'Lax' })
    this.#session = new SealedCookie({ name: 'console', secret, issuedFor, path: consolePath, sameSite: 'Strict' })
  }

  routes(): HttpRoutes['requests'] {
    return new Map<string, RequestHandler>([
      [`${consolePath}/oidc/sign-in`, this.#only('GET', (...request) => this.#begin(...request))],
      [callbackPath, this.#only('GET', (...request) => this.#finish(...request), { fromAnySite: true })],
      [`${consolePath}/session`, this.#only('POST', (...request) => this.#renew(...request))],
      [`${consolePath}/sign-out`, this.#only('POST', (...request) => this.#end(...request))],
    ])
  }

  async #begin(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin, secure } = this.#placeOf(request)
    const view = viewIn(new URL(request.url ?? '/', origin).searchParams.get('view'))
    try {
      const { url, pending } = await this.#ask((provider) => provider.begin(origin + callbackPath))
      const value = { ...pending, view, begunAt: Date.now() }
      this.#pending.set(response, value, { maxAgeSeconds: pendingMs / 1_000, secure })
      response.writeHead(303, { location: url }).end()
    } catch (error) {
      this.#refuse(request, response, error)
    }
  }

  async #finish(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin, secure } = this.#placeOf(request)
    const pending = this.#pending.read(request)
    this.#pending.clear(response)
    try {
      if (!pending || Date.now() > pending.begunAt + pendingMs)
        throw new SignInProblem('expired', 'the sign-in was not begun in this browser, or took too long')
      const callback = new URL(origin + callbackPath)
      callback.search = new URL(request.url ?? '/', origin).search
      const signedIn = await this.#ask((provider) => provider.finish(callback, pending))
      const session = this.#sessionOf(signedIn, Date.now())
      // Refuses a user who is banned.
      await this.#options.issueToken(session, Date.now() + longestTokenMs)
      this.#keep(response, session, secure)
      this.#options.audit(session, this.#addressOf(request), 'sign in')
      response.writeHead(303, { location: pending.view }).end()
    } catch (error) {
      this.#refuse(request, response, error)
    }
  }

  /** Answers with a new token if the browser has a session. */
  async #renew(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { providerName: provider } = this.#options
    const last = this.#session.read(request)
    if (!last) return sendJson(response, 200, { provider })
    try {
      const session = await this.#confirmed(last)
      const expiresAt = Math.min(session.confirmedUntil, this.#endOf(session), Date.now() + this.#tokenMs)
      const token = await this.#options.issueToken(session, expiresAt)
      if (session !== last) this.#keep(response, session, this.#placeOf(request).secure)
      sendJson(response, 200, { provider, token })
    } catch (error) {
      const problem = this.#problemOf(request, error)
      // The session may go on when the provider is back.
      if (problem !== 'away' && problem !== 'busy') this.#session.clear(response)
      sendJson(response, 200, { provider, problem })
    }
  }

  async #end(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const session = this.#session.read(request)
    this.#session.clear(response)
    if (!session) return sendJson(response, 200, {})
    this.#options.audit(session, this.#addressOf(request), 'sign out')
    const signOutUrl = await this.#ask(async (provider) => {
      await provider.end(session.refreshToken)
      return provider.signOutUrl()
    }).catch(() => undefined)
    sendJson(response, 200, { signOutUrl })
  }

  async #confirmed(session: Session): Promise<Session> {
    if (Date.now() >= this.#endOf(session)) throw new SignInProblem('expired', 'the session is over')
    const { refreshToken, confirmedUntil } = session
    // A token of less than half its time would be renewed again at once.
    if (Date.now() < confirmedUntil - (refreshToken === undefined ? 0 : this.#tokenMs / 2)) return session
    if (refreshToken === undefined)
      throw new SignInProblem('expired', 'the ID token has expired, and the provider issued no refresh token')
    const last = { ...session, refreshToken, expiresAt: confirmedUntil }
    const renewed = await this.#ask((provider) => provider.renew(last)).catch((error: unknown) => {
      const ended = error instanceof SignInProblem && error.code === 'invalid'
      throw ended ? new SignInProblem('expired', error.message) : error
    })
    return this.#sessionOf(renewed, session.signedInAt)
  }

  #sessionOf({ subject, name, role, refreshToken, expiresAt }: SignedIn, signedInAt: number): Session {
    if (!role) throw new SignInProblem('no-role', `${JSON.stringify(name)} has no role in the console`)
    const renewable = refreshToken !== undefined
    const confirmedUntil = renewable ? Date.now() + this.#tokenMs : expiresAt
    return { subject, name, role, signedInAt, refreshToken, confirmedUntil }
  }

  #keep(response: ServerResponse, session: Session, secure: boolean): void {
    const maxAgeSeconds = Math.max(1, (this.#endOf(session) - Date.now()) / 1_000)
    if (this.#session.set(response, session, { maxAgeSeconds, secure })) return
    this.#options.log('the refresh token of the identity provider is too long for a cookie, and is not kept', {})
    this.#session.set(response, { ...session, refreshToken: undefined }, { maxAgeSeconds, secure })
  }

  #endOf({ signedInAt }: ConsoleUser): number {
    return signedInAt + this.#options.sessionMs
  }

  get #tokenMs(): number {
    return Math.min(longestTokenMs, this.#options.sessionMs / tokensInSession)
  }

  async #ask<Answer>(question: (provider: IdentityProviderClient) => Promise<Answer>): Promise<Answer> {
    if (this.#questions >= maxQuestions) throw new SignInProblem('busy', 'too many sign-ins at once')
    this.#questions += 1
    try {
      return await question(await this.#options.provider())
    } finally {
      this.#questions -= 1
    }
  }

  /** Back to the console, which explains the problem. */
  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const problem = this.#problemOf(request, error)
    response.writeHead(303, { location: `${consolePath}?sign-in=${problem}` }).end()
  }

  #problemOf(request: IncomingMessage, error: unknown): SignInProblemCode {
    // Any other error is a refusal of `issueToken`.
    const problem = error instanceof SignInProblem ? error : new SignInProblem('denied', String(error))
    const second = Math.floor(Date.now() / 1_000)
    if (second !== this.#second) [this.#second, this.#lines] = [second, 0]
    this.#lines += 1
    if (this.#lines <= maxLines)
      this.#options.log('a sign-in to the console was refused', {
        reason: problem.code,
        why: problem.message,
        from: this.#addressOf(request),
      })
    return problem.code
  }

  #addressOf(request: IncomingMessage): string {
    return addressOf(request, this.#options.proxyHops)
  }

  #placeOf(request: IncomingMessage): { origin: string; secure: boolean } {
    const origin = this.#options.origin ?? publicOriginOf(request, this.#options.proxyHops)
    return { origin, secure: origin.startsWith('https:') }
  }

  #only(method: string, handler: RequestHandler, { fromAnySite = false } = {}): RequestHandler {
    return (request, response) => {
      response.setHeader('cache-control', 'no-store')
      const refusal = fromAnySite ? undefined : this.#options.guard.refusalOfPage(request.headers)
      if (refusal) return sendJson(response, refusal.status, { error: { code: 'FORBIDDEN', message: refusal.message } })
      if (request.method === method) return handler(request, response)
      response.setHeader('allow', method)
      const message = `expected ${method}, got ${request.method}`
      sendJson(response, 405, { error: { code: 'METHOD_NOT_ALLOWED', message } })
    }
  }
}

/** Only a view of the console: no other address, and no backslash or second slash. */
function viewIn(text: string | null): string {
  return text !== null && text.length <= 1_000 && /^\/console(\/[\w-]*)?(\?[\w%=&.+*~-]*)?$/.test(text)
    ? text
    : consolePath
}
