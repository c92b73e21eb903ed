/**
 * The topics of a snapshot, or undefined where it is none. A snapshot is an object that has
 * `topics`: an object from topic to its data, or a list of the topics whose data stands elsewhere
 * in it. It may say whose it is, so this is asked before `isUserInformation`.
 */
export function topicsOfSnapshot(data: unknown): string[] | undefined {
  if (!isObject(data) || !Object.hasOwn(data, 'topics')) return undefined
  const { topics } = data
  if (Array.isArray(topics))
    return topics.every((topic) => typeof topic === 'string') ? [...new Set(topics)] : undefined
  return isObject(topics) ? Object.keys(topics) : undefined
}

/** What user information says about its user, at least one of them. */
const userFields = ['userId', 'user_id', 'userID', 'id', 'username', 'userName', 'name']

/** User information is an object without `topics` that names a user by id or by name. */
export function isUserInformation(data: unknown): boolean {
  return isObject(data) && !Object.hasOwn(data, 'topics') && userFields.some((field) => Object.hasOwn(data, field))
}

function isObject(data: unknown): data is Record<string, unknown> {
  return typeof data === 'object' && data !== null && !Array.isArray(data)
}
