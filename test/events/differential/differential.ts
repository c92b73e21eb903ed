import { execute, parse } from 'graphql'
import { latin1Of } from '../../../src/core/body/latin1.ts'
import { printJson } from '../../../src/core/json/print-json.ts'
import { JsonScalar, TypedObject, type TypedValue, type Verdict } from '../../../src/events/model/typed-value.ts'
import { compileProjection } from '../../../src/events/projection/compiled-projection.ts'
import { OperationProjections } from '../../../src/events/projection/operation-projections.ts'
import { plainValue, typedFieldResolver, typedTypeResolver } from '../../../src/events/projection/typed-resolvers.ts'
import { compileValidator } from '../../../src/events/values/compiled-validator.ts'
import { Seeded } from '../../ledger/seeded.ts'
import { generatedDocument } from './generated-document.ts'
import { generatedMessage } from './generated-message.ts'
import { generatedSchema } from './generated-schema.ts'
import { referenceVerdict } from './reference-validation.ts'

/** What the cases of a run were. */
export interface Tally {
  cases: number
  valid: number
  invalid: number
  filtered: number
  /** Valid, with places that became null because of `invalid: NULL`. */
  nulled: number
  /** Documents of valid messages that were compared with graphql-js. */
  printed: number
  /** Documents that graphql-js has to execute, because they may make errors. */
  executed: number
}

const documentsPerSchema = 3
const messagesPerSchema = 20

/**
 * Compares the compiled validator with the reference, and the compiled projection with graphql-js.
 * Throws at the first difference, with everything that is needed to see it.
 */
export function differential(seed: number, cases: number): Tally {
  const tally: Tally = { cases: 0, valid: 0, invalid: 0, filtered: 0, nulled: 0, printed: 0, executed: 0 }
  const random = new Seeded(seed)
  while (tally.cases < cases) {
    const generated = generatedSchema(random)
    const { schema, field } = generated
    const [binding] = field.bindings
    if (!binding) throw new Error('no binding')
    const validate = compileValidator(schema, field)
    const operations = Array.from({ length: documentsPerSchema }, () => operationOf(random, schema.schema))
    for (let index = 0; index < messagesPerSchema && tally.cases < cases; index += 1) {
      const message = generatedMessage(random, generated, random.pick([0, 0, 0.02, 0.1]))
      const verdict = validate(message.input, binding)
      tally.cases += 1
      tally[verdict.kind] += 1
      const shown = shownVerdict(verdict)
      const expected = JSON.stringify(referenceVerdict(schema, field, binding, message.reference))
      if (shown !== expected) throw differs(generated.text, message.text, shown, expected)
      if (verdict.kind !== 'valid') continue
      if (verdict.invalid.length > 0) tally.nulled += 1
      for (const operation of operations) {
        if (!operation.print) {
          tally.executed += 1
          if (!operation.mayFail) throw differs(generated.text, operation.text, 'no projection', 'a projection')
          continue
        }
        tally.printed += 1
        const [printed, executed] = [operation.print(verdict.value), operation.execute(verdict.value)]
        if (printed !== executed) throw differs(generated.text, `${message.text}\n${operation.text}`, printed, executed)
      }
    }
  }
  return tally
}

function operationOf(random: Seeded, schema: Parameters<typeof generatedDocument>[1]) {
  const { text, variables } = generatedDocument(random, schema)
  const document = parse(text)
  const operations = new OperationProjections(schema, document, undefined)
  const projection =
    random.next() < 0.5 ? operations.of(variables) : compileProjection(schema, document, 'S', variables)
  return {
    text: `${text} ${JSON.stringify(variables)}`,
    /** A variable of type `Boolean!` in a directive is null. */
    mayFail: variables['yes'] === null,
    print: projection && ((value: TypedValue) => projection.print(value)),
    /** Undefined if the result has errors. */
    execute(value: TypedValue): string | undefined {
      const result = execute({
        schema,
        document,
        variableValues: variables,
        rootValue: root,
        fieldResolver: (source, args, context, info) =>
          source === root ? plainValue(value) : typedFieldResolver(source, args, context, info),
        typeResolver: typedTypeResolver,
      })
      if (result instanceof Promise) throw new Error('graphql-js became asynchronous')
      return result.errors ? undefined : latin1Of(printJson(result) ?? '')
    },
  }
}

const root = {}

function shownVerdict(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'valid':
      return JSON.stringify({ kind: 'valid', value: shownValue(verdict.value), invalid: verdict.invalid })
    case 'invalid':
      return JSON.stringify({ kind: 'invalid', pointer: verdict.pointer })
    default:
      return JSON.stringify(verdict)
  }
}

/** JSON with the type name as first member of each object, as in `ReferenceVerdict`. */
function shownValue(value: TypedValue): string {
  if (value instanceof TypedObject) {
    const members = Object.entries(value.fields).map(([name, member]) => `"${name}":${shownValue(member)}`)
    return `{${[`"__typename":"${value.typeName}"`, ...members].join(',')}}`
  }
  if (value instanceof JsonScalar) return printJson(value.value) ?? 'nothing'
  return Array.isArray(value) ? `[${value.map(shownValue).join(',')}]` : JSON.stringify(value)
}

function differs(schema: string, message: string, got = 'nothing', expected = 'nothing'): Error {
  let at = 0
  while (got[at] === expected[at]) at += 1
  const part = (text: string) => text.slice(Math.max(0, at - 200), at + 100)
  return new Error(`a difference\n${schema}\n\n${message}\n\ngot      ${part(got)}\nexpected ${part(expected)}`)
}
