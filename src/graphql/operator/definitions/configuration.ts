import type {
  InspectedConfiguration,
  InspectedOption,
  OptionReport,
} from '../../../core/inspection/definitions/configuration-inspector.ts'
import { builder } from '../../builder.ts'
import { demandObserver, operatorsOnly } from '../../operators-only.ts'

const OptionOrigin = builder.enumType('OptionOrigin', {
  description: 'Where the value of an option came from.',
  values: {
    DEFAULT: { value: 'default', description: 'It was not set.' },
    ENVIRONMENT: { value: 'environment', description: 'A variable of the environment.' },
    FLAG: { value: 'flag', description: 'A flag of the command line.' },
    FILE: { value: 'file', description: 'WARREN_OPTIONS_FILE, or the file that a variable with _FILE names.' },
    DERIVED: { value: 'derived', description: 'Warren derived it from other options or from the machine.' },
  } as const,
})

interface ReplicaOption {
  readonly replica: string
  readonly option: OptionReport
}

const ReplicaOptionObject = builder.objectRef<ReplicaOption>('ReplicaOption').implement({
  fields: (t) => ({
    replica: t.exposeString('replica'),
    value: t.string({ nullable: true, resolve: ({ option }) => option.value }),
    origin: t.field({ type: OptionOrigin, nullable: true, resolve: ({ option }) => option.origin }),
    needsRestart: t.boolean({ resolve: ({ option }) => option.needsRestart }),
  }),
})

const ConfigurationOption = builder.objectRef<InspectedOption>('ConfigurationOption').implement({
  description: 'An option of the gateway. Values are of the replica that you ask.',
  fields: (t) => ({
    name: t.string({
      description: 'The variable, such as `WARREN_PORT`.',
      resolve: ({ description }) => description.name,
    }),
    flag: t.string({ description: 'Such as `--port`.', resolve: ({ description }) => description.flag }),
    fileVariable: t.string({
      nullable: true,
      description: 'The variable that names a file with the value. Null: the option has none.',
      resolve: ({ description }) => description.fileVariable,
    }),
    group: t.string({ resolve: ({ description }) => description.group }),
    value: t.string({
      nullable: true,
      description: 'As in an environment file. Secrets are `***`. Null: nothing is set; `unset` says what applies.',
      resolve: ({ own }) => own.value,
    }),
    origin: t.field({
      type: OptionOrigin,
      nullable: true,
      description: 'Null: not known, because another program opened the gateway.',
      resolve: ({ own }) => own.origin,
    }),
    givenAs: t.string({
      nullable: true,
      description: 'The variable or flag that set it.',
      resolve: ({ own }) => own.givenAs,
    }),
    file: t.string({ nullable: true, description: 'The file that holds the value.', resolve: ({ own }) => own.file }),
    default: t.string({ nullable: true, resolve: ({ description }) => description.default }),
    unset: t.string({
      nullable: true,
      description: 'What applies if the option is omitted and has no default.',
      resolve: ({ description }) => description.unset,
    }),
    help: t.string({ resolve: ({ description }) => description.help }),
    expected: t.string({
      description: 'Which values are allowed.',
      resolve: ({ description }) => description.expected,
    }),
    secret: t.boolean({ resolve: ({ description }) => description.secret }),
    reload: t.boolean({
      description: 'Whether a running gateway applies a new value at SIGHUP. False: after a restart.',
      resolve: ({ description }) => description.reload,
    }),
    needsRestart: t.boolean({
      description: 'Whether a new value was read that applies after a restart only.',
      resolve: ({ own }) => own.needsRestart,
    }),
    differs: t.boolean({
      description: 'Whether the replicas that answered have different values, secrets too.',
      resolve: ({ differs }) => differs,
    }),
    mayDiffer: t.boolean({
      description: 'Whether it belongs to the machine of a replica, such as a port.',
      resolve: ({ description }) => description.mayDiffer,
    }),
    replicas: t.field({
      type: [ReplicaOptionObject],
      complexity: { field: 1, multiplier: 1 },
      resolve: ({ replicas }) => [...replicas],
    }),
  }),
})

const Configuration = builder.objectRef<InspectedConfiguration>('Configuration').implement({
  fields: (t) => ({
    options: t.field({
      type: [ConfigurationOption],
      complexity: { field: 10, multiplier: 5 },
      resolve: ({ options }) => [...options],
    }),
    replicas: t.stringList({
      description: 'The replicas that answered, the one that you ask first.',
      resolve: ({ replicas }) => [...replicas],
    }),
    unanswered: t.stringList({
      description: 'Replicas that did not answer, and are not compared.',
      resolve: ({ unanswered }) => [...unanswered],
    }),
  }),
})

builder.queryField('configuration', (t) =>
  t.field({
    type: Configuration,
    description:
      'Operators and observers. The effective options, where each came from, and how replicas differ. No part of a secret is shown.',
    extensions: operatorsOnly,
    complexity: 10,
    resolve: (_root, _args, { identity, inspection }) => {
      demandObserver(identity, 'read the configuration')
      return inspection.configuration.read()
    },
  }),
)
