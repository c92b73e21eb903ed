/**
 * The types of AMQP fields, by amqplib's names. `table` marks a table that amqplib would otherwise
 * take for a typed value (`{'!': …, value: …}`).
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
 * Records the type that a value had on the wire, by its name or index in an AMQP table or array.
 * This is needed if the JavaScript value alone would be sent as another type. Code that reads the
 * values does not see it.
 */
export function setWireType(container: object, name: string, type: WireType): void {
  const types = (container as Typed)[key]
  if (types) types[name] = type
  else define(container, Object.assign(Object.create(null) as Record<string, WireType>, { [name]: type }))
}

/** For a name that a table has twice: the type of the earlier value does not apply to the later. */
export function clearWireType(container: object, name: string): void {
  const types = (container as Typed)[key]
  if (types) delete types[name]
}

/** The recorded type of one value; undefined if its JavaScript value implies the type. */
export function wireTypeOf(container: object, name: string): WireType | undefined {
  return (container as Typed)[key]?.[name]
}

export function hasWireTypes(container: object): boolean {
  return (container as Typed)[key] !== undefined
}

/**
 * For a copy of a table, which may hold other values too. Types of names that the copy does not
 * have are ignored.
 */
export function copyWireTypes<Container extends object>(from: object, to: Container): Container {
  const types = (from as Typed)[key]
  if (types) define(to, types)
  return to
}

function define(container: object, types: Record<string, WireType>): void {
  Object.defineProperty(container, key, { value: types, configurable: true })
}
