import { readFile } from 'node:fs/promises'
import type { BrokerAddress } from './address.ts'

/** The TLS part of the options of `tls.connect`. */
export interface TlsOptions {
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly ca?: Buffer
  readonly servername?: string
}

/**
 * Reads the files that the address names. Called for each connection, because certificates are
 * renewed while a gateway runs. Rejects with an error that names the file.
 */
export async function tlsOptionsOf({ tls, certFile, keyFile, caFile, serverName }: BrokerAddress): Promise<TlsOptions> {
  if (!tls) return {}
  const read = async (file: string): Promise<Buffer> => {
    try {
      return await readFile(file)
    } catch (error) {
      throw new Error(`cannot read the file "${file}" for TLS with RabbitMQ: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }
  return {
    ...(certFile === undefined ? {} : { cert: await read(certFile) }),
    ...(keyFile === undefined ? {} : { key: await read(keyFile) }),
    ...(caFile === undefined ? {} : { ca: await read(caFile) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
}
