/**
 * Returns the topics of a snapshot, or undefined if the data is not a snapshot. A snapshot is an
 * object with `topics`: an object from topic to data, or a list of topics with the data elsewhere
 * in the snapshot. A snapshot may also name a user, so callers check this before
 * `isUserInformation`.
 */
export function topicsOfSnapshot(data: unknown): string[] | undefined {
  if (!isObject(data) || !Object.hasOwn(data, 'topics')) return undefined
  const { topics } = data
  if (Array.isArray(topics))
    return topics.every((topic) => typeof topic === 'string') ? [...new Set(topics)] : undefined
  return isObject(topics) ? Object.keys(topics) : undefined
}

/** Fields that identify a user. User information has at least one of them. */
const userFields = ['userId', 'user_id', 'userID', 'id', 'username', 'userName', 'name']

/** User information is an object without `topics` that identifies a user by id or by name. */
export function isUserInformation(data: unknown): boolean {
  return isObject(data) && !Object.hasOwn(data, 'topics') && userFields.some((field) => Object.hasOwn(data, field))
}

function isObject(data: unknown): data is Record<string, unknown> {
  return typeof data === 'object' && data !== null && !Array.isArray(data)
}
