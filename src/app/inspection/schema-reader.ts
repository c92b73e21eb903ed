import type {
  FieldDefinition,
  FieldForCaller,
  SchemaFile,
  SchemaReader,
  SchemaVersion,
} from '../../core/inspection/definitions/field-definition.ts'
import { boundedFailure } from '../../core/inspection/definitions/schema-report.ts'
import type { Identity } from '../../core/model/identity.ts'
import { describeFields } from '../../events/describing/describe-fields.ts'
import { fieldForCaller } from '../../events/describing/field-for-caller.ts'
import { WrittenSdl } from '../../events/describing/field-sdl.ts'
import type { EventSchema } from '../../events/model/event-schema.ts'
import type { SdlFile } from '../../events/sdl/source-files.ts'
import type { Served } from '../../events/serving/served-schema.ts'
import { printClientSchema } from './no-schema.ts'

/** Which schema this process serves, since when, and what it did not accept since. */
export class TypedSchemaReader implements SchemaReader {
  #served: Served
  #schema: EventSchema
  #files: readonly SdlFile[]
  #since = Date.now()
  #failure: SchemaVersion['failure'] = null
  /** Made when it is asked for. */
  #fields: readonly FieldDefinition[] | undefined
  #written: WrittenSdl | undefined

  constructor(served: Served, schema: EventSchema, files: readonly SdlFile[]) {
    this.#served = served
    this.#schema = schema
    this.#files = files
  }

  get current(): SchemaVersion {
    return { hash: this.#schema.hash, since: this.#since, failure: this.#failure }
  }

  printServed(): string {
    return printClientSchema(this.#served.schema)
  }

  fields(): readonly FieldDefinition[] {
    return (this.#fields ??= describeFields(this.#schema))
  }

  files(): readonly SchemaFile[] {
    return this.#files
  }

  sdlOf(field: string): string {
    return (this.#written ??= new WrittenSdl(this.#files)).ofField(field)
  }

  fieldFor(identity: Identity, name: string): FieldForCaller {
    return fieldForCaller(this.#served.named, identity, name)
  }

  /** The files were read again and are served. */
  onLoaded(served: Served, schema: EventSchema, files: readonly SdlFile[]): void {
    this.#served = served
    this.#schema = schema
    this.#since = Date.now()
    this.#fields = undefined
    this.onUnchanged(files)
  }

  /** The files were read again and mean the same, though their text may differ. */
  onUnchanged(files: readonly SdlFile[]): void {
    this.#files = files
    this.#written = undefined
    this.#failure = null
  }

  /** The files were read again and are not served. */
  onRefused(message: string): void {
    this.#failure = boundedFailure({ at: Date.now(), message })
  }
}
