import type { ClientRegistry } from '../core/ports/client-registry.ts'
import { GatewayError } from '../errors.ts'

/**
 * The registry for client requests. If the database fails, the client gets `REGISTRY_UNAVAILABLE`
 * and `onFailure` gets the reason.
 */
export function reportingRegistry(registry: ClientRegistry, onFailure: (error: unknown) => void): ClientRegistry {
  const answered = async <T>(asked: Promise<T>): Promise<T> => {
    try {
      return await asked
    } catch (error) {
      onFailure(error)
      throw new GatewayError('REGISTRY_UNAVAILABLE', 'the registry cannot be reached just now; try again in a moment', {
        cause: error,
      })
    }
  }
  return {
    addClient: (client) => answered(registry.addClient(client)),
    findClient: (clientId) => answered(registry.findClient(clientId)),
    findClientIds: (options) => answered(registry.findClientIds(options)),
    countClients: (options) => answered(registry.countClients(options)),
    removeClient: (clientId) => answered(registry.removeClient(clientId)),
    addSource: (source) => answered(registry.addSource(source)),
    listSources: () => answered(registry.listSources()),
    removeSource: (id) => answered(registry.removeSource(id)),
    addRevocation: (revocation) => answered(registry.addRevocation(revocation)),
    listRevocations: (behind) => answered(registry.listRevocations(behind)),
    addKey: (key) => answered(registry.addKey(key)),
    listKeys: () => answered(registry.listKeys()),
    changeClientBar: (clientId, change) => answered(registry.changeClientBar(clientId, change)),
    findClientBar: (clientId) => answered(registry.findClientBar(clientId)),
    listClientBars: (behind) => answered(registry.listClientBars(behind)),
    close: () => registry.close(),
  }
}
