import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

/** An identity provider on this machine: it serves one key and signs with it. */
export interface LocalIssuer extends AsyncDisposable {
  /** The URL of its keys. */
  readonly keysUrl: string
  /** Signs the claims as they are, with `iat` and `exp` around now. */
  sign(claims: JWTPayload): Promise<string>
}

export async function localIssuer(): Promise<LocalIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  // Entra ID publishes no `alg`, and Keycloak a key for encryption beside it.
  const own = { ...(await exportJWK(publicKey)), kid: 'one', use: 'sig' }
  const keys = JSON.stringify({ keys: [{ ...own, kid: 'other', use: 'enc', alg: 'RSA-OAEP' }, own] })
  const server = createServer((_request, response) => void response.end(keys)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    keysUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    sign: (claims) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: 'one' })
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
