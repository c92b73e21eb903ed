import type { ClientDirectory, PresenceStore } from '../core/ports/client-directory.ts'
import type { ClientRegistry } from '../core/ports/client-registry.ts'
import type { PositionStore } from '../core/positions/position-store.ts'
import { GatewayError } from '../errors.ts'

/**
 * The registry for client requests. If the database fails, the client gets `REGISTRY_UNAVAILABLE`
 * and `onFailure` gets the reason.
 */
export function reportingRegistry(registry: ClientRegistry, onFailure: (error: unknown) => void): ClientRegistry {
  const guarded = guard(onFailure)
  return {
    addClient: (client) => guarded(registry.addClient(client)),
    findClient: (clientId) => guarded(registry.findClient(clientId)),
    findClientIds: (options) => guarded(registry.findClientIds(options)),
    countClients: (options) => guarded(registry.countClients(options)),
    removeClient: (clientId) => guarded(registry.removeClient(clientId)),
    addSource: (source) => guarded(registry.addSource(source)),
    renewSource: (source) => guarded(registry.renewSource(source)),
    listSources: () => guarded(registry.listSources()),
    removeSource: (id, createdUpTo) => guarded(registry.removeSource(id, createdUpTo)),
    addRevocation: (revocation) => guarded(registry.addRevocation(revocation)),
    listRevocations: (behind) => guarded(registry.listRevocations(behind)),
    addKey: (key) => guarded(registry.addKey(key)),
    listKeys: () => guarded(registry.listKeys()),
    changeClientBar: (clientId, change) => guarded(registry.changeClientBar(clientId, change)),
    findClientBar: (clientId) => guarded(registry.findClientBar(clientId)),
    listClientBars: (behind) => guarded(registry.listClientBars(behind)),
    close: () => registry.close(),
  }
}

/** As `reportingRegistry`. */
export function reportingDirectory(
  directory: ClientDirectory & PresenceStore,
  onFailure: (error: unknown) => void,
): ClientDirectory & PresenceStore {
  const guarded = guard(onFailure)
  return {
    findClients: (options) => guarded(directory.findClients(options)),
    findClientsById: (ids) => guarded(directory.findClientsById(ids)),
    countClients: () => guarded(directory.countClients()),
    savePresence: (rows) => guarded(directory.savePresence(rows)),
    findPresence: (clientIds) => guarded(directory.findPresence(clientIds)),
    listOnline: () => guarded(directory.listOnline()),
  }
}

/** As `reportingRegistry`. */
export function reportingPositions(positions: PositionStore, onFailure: (error: unknown) => void): PositionStore {
  const guarded = guard(onFailure)
  return {
    take: (take) => guarded(positions.take(take)),
    begin: (begun, at) => guarded(positions.begin(begun, at)),
    add: (added) => guarded(positions.add(added)),
    move: (moves, at) => guarded(positions.move(moves, at)),
    find: (keys) => guarded(positions.find(keys)),
    listOf: (clientId) => guarded(positions.listOf(clientId)),
    touch: (keys, at) => guarded(positions.touch(keys, at)),
    remove: (key) => guarded(positions.remove(key)),
    removeAllOf: (clientId) => guarded(positions.removeAllOf(clientId)),
    removeUnused: (before) => guarded(positions.removeUnused(before)),
  }
}

function guard(onFailure: (error: unknown) => void) {
  return async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call
    } catch (error) {
      onFailure(error)
      throw new GatewayError('REGISTRY_UNAVAILABLE', 'the registry cannot be reached at the moment; try again', {
        cause: error,
      })
    }
  }
}
