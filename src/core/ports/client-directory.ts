import type { Client } from './client-registry.ts'

/**
 * Lists registered clients for operators. The same database as `ClientRegistry`; every method
 * rejects only if it cannot be reached or fails.
 */
export interface ClientDirectory {
  /**
   * At most `first` clients with ids that contain the text `containing`, ignoring the case of ASCII
   * letters, in the order of `compareClientIds`. `behind`: only ids after this one.
   */
  findClients(options: { containing: string; behind?: string; first: number }): Promise<Client[]>
  /** The clients with these ids that are registered, in any order. */
  findClientsById(ids: readonly string[]): Promise<Client[]>
  countClients(): Promise<number>
}
