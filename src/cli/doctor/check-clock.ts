import type { Config } from '../../config/options/options.ts'
import { errorText } from '../../core/model/error-text.ts'
import type { Finding } from '../../core/ports/finding.ts'

/**
 * The tolerated clock skew. Tokens and revocations use whole seconds, and a replica accepts a token
 * this much too early or too late.
 */
const maxSkewMs = 5_000
const askMs = 5_000
/** When this was written. A correct clock is not before it. */
const earliest = Date.UTC(2026, 0, 1)

/**
 * Tokens expire and are revoked by the clock. This compares it with the clocks of the database and
 * the identity provider, if configured.
 */
export async function checkClock(config: Config, databaseNow: number | undefined): Promise<Finding[]> {
  if (Date.now() < earliest) {
    const text = `shows ${new Date().toISOString()}`
    return [{ check: 'clock', status: 'fail', text, advice: 'set it with NTP, because tokens depend on it' }]
  }
  const others: [owner: string, now: number][] = []
  if (databaseNow !== undefined) others.push(["the database's", databaseNow])
  const findings: Finding[] = []
  for (const url of config.jwksUrl ?? []) {
    const provider = await askProvider(url)
    if (provider.now !== undefined) others.push(["the identity provider's", provider.now])
    findings.push(provider.finding)
  }
  for (const [owner, now] of others) {
    const skew = now - Date.now()
    const text = `${(Math.abs(skew) / 1000).toFixed(1)} s ${skew < 0 ? 'ahead of' : 'behind'} ${owner}`
    findings.push(
      Math.abs(skew) > maxSkewMs
        ? {
            check: 'clock',
            status: 'fail',
            text,
            advice: 'run NTP on both machines, because tokens depend on the clock',
          }
        : { check: 'clock', status: 'ok', text },
    )
  }
  if (others.length === 0)
    findings.push({ check: 'clock', status: 'ok', text: 'plausible; no other clock to compare with' })
  return findings
}

/** `now`: by its clock. Undefined: it does not answer as it should. */
async function askProvider(url: string): Promise<{ readonly now?: number; readonly finding: Finding }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(askMs) })
    const body = (await response.json()) as { keys?: unknown }
    if (!response.ok || !Array.isArray(body.keys)) throw new Error(`status ${response.status}, without keys`)
    const { length } = body.keys
    const text = `${new URL(url).origin} returned ${length} ${length === 1 ? 'key' : 'keys'}`
    return {
      now: Date.parse(response.headers.get('date') ?? '') || Date.now(),
      finding: { check: 'identity', status: 'ok', text },
    }
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const reason = errorText(cause)
    const advice = 'check WARREN_JWKS_URL: expected the URL of a JSON document with keys'
    const text = `${new URL(url).origin} returned no keys: ${reason}`
    return { finding: { check: 'identity', status: 'fail', text, advice } }
  }
}
