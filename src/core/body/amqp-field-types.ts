/**
 * By amqplib's names; `table` for one that amqplib would take for a value with its type (`{'!': …,
 * value: …}`).
 */
export type WireType =
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float'
  | 'double'
  | 'table'

const key = Symbol('the types that header values had on the wire')

interface Typed {
  [key]?: Record<string, WireType>
}

/**
 * Notes of which type a value of a table or an array of AMQP headers came, by its name or place.
 * Needed where the JavaScript value alone would be sent on as another type. Who reads the values
 * does not see it.
 */
export function setWireType(container: object, name: string, type: WireType): void {
  const types = (container as Typed)[key]
  if (types) types[name] = type
  else define(container, Object.assign(Object.create(null) as Record<string, WireType>, { [name]: type }))
}

/** Of one value; undefined where its JavaScript value says it. */
export function wireTypeOf(container: object, name: string): WireType | undefined {
  return (container as Typed)[key]?.[name]
}

export function hasWireTypes(container: object): boolean {
  return (container as Typed)[key] !== undefined
}

/**
 * For a copy of a table, perhaps with other values beside: types of names that it does not have
 * mean nothing.
 */
export function copyWireTypes<Container extends object>(from: object, to: Container): Container {
  const types = (from as Typed)[key]
  if (types) define(to, types)
  return to
}

function define(container: object, types: Record<string, WireType>): void {
  Object.defineProperty(container, key, { value: types, configurable: true })
}
