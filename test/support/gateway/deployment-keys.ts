import { type DeploymentKey, DeploymentKeys, newKey } from '../../../src/core/clients/deployment-keys.ts'
import { CursorCodec } from '../../../src/core/model/cursor.ts'

/** Keys of a deployment without a registry. */
export function testKeys(given: Partial<DeploymentKey> = {}): DeploymentKeys {
  return new DeploymentKeys([{ ...newKey({ isUpdate: false }), ...given }])
}

/** Prints cursors that no running gateway accepts, because their key is a new one. */
export const testCursors = new CursorCodec(testKeys(), 3_600_000)
