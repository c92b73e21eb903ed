/** What the help of a command has beyond its flags. */
export interface ManualPage {
  /** What the one-line description leaves out. */
  readonly more?: string
  /** Commands that work as written, each with what it does. */
  readonly examples: readonly (readonly [command: string, what: string])[]
  /** What the exit status 1 means. Default: that something failed. */
  readonly failed?: string
  /** Pages of the documentation. */
  readonly seeAlso: readonly string[]
}

const operatorToken =
  'Without --token, the command signs an operator token with the secret of the gateway on this machine.'

/** By the name of the command, such as `schema check`. The program itself has the empty name. */
export const manualPages: Readonly<Record<string, ManualPage>> = {
  '': {
    more: 'Every message of your RabbitMQ exchanges, as a GraphQL event for the clients that it concerns: typed, with a cursor, and nothing lost. warren start runs the gateway; the other commands ask a running one, or prepare one. `warren <command> --help` prints the manual of a command.',
    examples: [
      ['warren start', 'run a gateway with a broker inside its process'],
      ['warren token --client alice', 'print a token for alice'],
      ['warren tail alice', 'print the events of alice as they come'],
      [`warren publish --client alice '{"hello":"world"}'`, 'publish one of them'],
      ['warren doctor', 'check what a gateway with this configuration needs'],
    ],
    seeAlso: ['docs/quick-start.md', 'docs/config.md', 'docs/commands.md'],
  },
  start: {
    more: 'SIGHUP reads the options file, the SDL and the file of sources again. A second SIGTERM ends the sessions that are left at once. With several workers, SIGUSR2 replaces them one by one. An option may be a flag, a variable, or a line of WARREN_OPTIONS_FILE; the flag wins, then the variable.',
    examples: [
      ['warren start', 'for trying out: a broker in this process, on localhost'],
      ['warren start --demo on', 'the same with a shop: kill the gateway, and count what is lost'],
      ['WARREN_BROKER_URL=amqp://user:password@rabbit/ warren start', 'on RabbitMQ'],
      ['warren start --schema events --workers auto', 'with typed events, and a process for each processor'],
    ],
    failed: 'The gateway could not start or run: a port is taken, or a database cannot be reached.',
    seeAlso: ['docs/config.md', 'docs/guides/deploy.md', 'docs/guides/operate.md'],
  },
  token: {
    more: 'The token is a JWT (HS256). Any program that signs with the same secret makes valid tokens, in any language.',
    examples: [
      ['warren token --client alice', "for alice's own channel"],
      ['warren token --operator --ttl 8h', 'for an operator, for a working day'],
      ['warren token --scope "publish:orders.#:eu.*"', 'for a publisher of some exchanges and keys'],
    ],
    seeAlso: ['docs/guides/mint-tokens.md', 'docs/guides/authenticate.md'],
  },
  publish: {
    more: `Publishes to a client (--client), or to an exchange with a routing key. ${operatorToken}`,
    examples: [
      [`warren publish --client alice '{"hello":"world"}'`, 'to the channel of alice'],
      [`warren publish --exchange orders --key eu.created --type order.created '{"id":7}'`, 'to an exchange'],
      ['cat order.json | warren publish --exchange orders --key eu.created', 'from standard input'],
    ],
    failed: 'No gateway answers, or it refuses the message.',
    seeAlso: ['docs/guides/publishing.md'],
  },
  tail: {
    more: `It ends with status 0 after --count events, or at SIGINT. ${operatorToken}`,
    examples: [
      ['warren tail alice', 'from now on'],
      ['warren tail alice --last 10', 'with the last ten events first'],
      ['warren tail alice --count 1 --token "$TOKEN"', 'one event, as the client that the token names'],
    ],
    failed: 'No gateway answers, or the token does not allow the channel.',
    seeAlso: ['docs/guides/resume.md', 'docs/guides/clients.md'],
  },
  quarantine: {
    more: 'The quarantine has messages that could not become events, each with the reason. These commands connect to RabbitMQ; the console does the same for the embedded broker.',
    examples: [['warren quarantine list', 'what is there, and why']],
    seeAlso: ['docs/guides/operate.md'],
  },
  'quarantine list': {
    examples: [
      ['warren quarantine list --limit 10', 'the ten oldest'],
      ['warren quarantine list --json', 'for a script: one object a line'],
    ],
    seeAlso: ['docs/guides/operate.md', 'docs/messages.md'],
  },
  'quarantine republish': {
    more: 'A message stays in the quarantine until RabbitMQ has confirmed its copy, so a failure loses nothing.',
    examples: [
      ['warren quarantine republish --all', 'after the cause was mended'],
      ['warren quarantine republish --id 3f9a --to-exchange orders --key eu.created', 'one message, to another place'],
    ],
    failed: 'Some messages could not be read or published. They stay in the quarantine.',
    seeAlso: ['docs/guides/operate.md'],
  },
  'quarantine drop': {
    more: 'With --all, it prints how many messages it dropped. Messages that arrive meanwhile stay.',
    examples: [
      ['warren quarantine drop --id 3f9a', 'one message, by its id in the output of list'],
      ['warren quarantine drop --all', 'all of them, after a question'],
    ],
    failed: 'A message was not found or could not be read, or the answer to the question was not yes.',
    seeAlso: ['docs/guides/operate.md'],
  },
  trace: {
    more: `It asks all replicas, which remember the messages of the last minutes (WARREN_HOT_WINDOW). ${operatorToken}`,
    examples: [['warren trace order-17', 'where the message with this id went, or why nowhere']],
    failed: 'No replica remembers the message, or no gateway answers.',
    seeAlso: ['docs/guides/operate.md', 'docs/messages.md'],
  },
  sources: {
    more: 'A source binds an exchange to the journal and finds the client of each message.',
    examples: [['warren sources list', 'the sources, and where each finds the client id']],
    seeAlso: ['docs/guides/sources.md'],
  },
  'sources list': { examples: [['warren sources list', 'as a table']], seeAlso: ['docs/guides/sources.md'] },
  'sources create': {
    more: 'Exactly one place has the client id: {clientId} in --key, --header, --body-pointer, --fixed or --everyone.',
    examples: [
      ['warren sources create orders --type topic --key "orders.{clientId}.#"', 'the client id is in the key'],
      ['warren sources create orders --type topic --key "#" --body-pointer /customer/id', 'it is in the body'],
    ],
    seeAlso: ['docs/guides/sources.md'],
  },
  'sources delete': {
    examples: [['warren sources delete 5c1e9f', 'by its id in the output of list']],
    failed: 'There is no such source, or no gateway answers.',
    seeAlso: ['docs/guides/sources.md'],
  },
  'sources apply': {
    examples: [
      ['warren sources apply -f sources.yaml --dry-run', 'what would change'],
      ['warren sources apply -f sources.yaml', 'create what is missing'],
    ],
    seeAlso: ['docs/guides/sources.md'],
  },
  clients: {
    more: operatorToken,
    examples: [
      ['warren clients --only slow', 'who reads too slowly'],
      ['warren clients --sort lag --first 10', 'who is furthest behind'],
    ],
    seeAlso: ['docs/guides/slow-clients.md', 'docs/guides/operator-api.md'],
  },
  sessions: {
    more: operatorToken,
    examples: [['warren sessions alice', 'where alice is connected, and how far each subscription is']],
    seeAlso: ['docs/guides/operator-api.md'],
  },
  messages: {
    more: operatorToken,
    examples: [
      ['warren messages --channel alice', 'what was for alice, and what became of it'],
      ['warren messages --at 2026-11-29T14:26:51Z --text teapot', 'around a time, with a text in the body'],
    ],
    seeAlso: ['docs/guides/operate.md', 'docs/guides/operator-api.md'],
  },
  presence: {
    more: operatorToken,
    examples: [['warren presence alice bob', 'whether they are online, and since when']],
    seeAlso: ['docs/guides/offline.md'],
  },
  positions: {
    more: 'A position is a place in a channel with a name, such as that of a phone.',
    examples: [['warren positions list alice', "where alice's devices are"]],
    seeAlso: ['docs/guides/positions.md'],
  },
  'positions list': {
    examples: [['warren positions list alice', 'each position, and how many messages are behind it']],
    seeAlso: ['docs/guides/positions.md'],
  },
  'positions delete': {
    examples: [['warren positions delete alice phone', 'a device that is gone']],
    failed: 'There is no such position, or no gateway answers.',
    seeAlso: ['docs/guides/positions.md'],
  },
  doctor: {
    more: 'It changes nothing. It connects to the broker, the database and the identity provider of the configuration.',
    examples: [
      ['warren doctor', 'before the first start, or when something is wrong'],
      ['warren doctor --broker-url amqp://user:password@rabbit/ --json', 'for a script'],
    ],
    failed: 'At least one check failed.',
    seeAlso: ['docs/troubleshooting.md', 'docs/config.md'],
  },
  connections: {
    more: 'Finds how many connections the path to a gateway carries: proxies and system limits often allow fewer.',
    examples: [
      ['warren connections localhost 4000 1000 --protocol websocket --token "$TOKEN"', 'a thousand WebSockets'],
      ['warren connections localhost 4001 500 --protocol framed --token "$TOKEN"', 'framed TCP'],
    ],
    failed: 'Some connections failed, or an answer differs.',
    seeAlso: ['docs/guides/operate.md', 'docs/guides/proxies.md'],
  },
  'check-config': {
    more: 'It contacts no other machine; warren doctor does.',
    examples: [
      ['warren check-config', 'what holds: each option with its value and its origin'],
      ['warren check-config --port 5000', 'with a flag of start'],
    ],
    seeAlso: ['docs/config.md'],
  },
  'print-schema': {
    more: "Warren's own types, without the team's typed events; warren schema print has both.",
    examples: [['warren print-schema > schema.graphql', 'for a code generator']],
    seeAlso: ['docs/guides/subscribe.md'],
  },
  schema: {
    examples: [
      ['warren schema infer --exchange orders > events/orders.graphql', 'a draft from real messages'],
      ['warren schema check events', 'before it is served'],
    ],
    seeAlso: ['docs/guides/typed-events.md', 'docs/guides/draft-schema.md'],
  },
  'schema infer': {
    more: 'The draft has what the messages had. Review it: names, required fields, and who may subscribe.',
    examples: [
      ['warren schema infer --exchange orders > events/orders.graphql', 'from the journal'],
      ['warren schema infer --exchange orders --from live --samples 200 --wait 120', 'from what comes now'],
    ],
    failed: 'There were no messages to read, or RabbitMQ cannot be reached.',
    seeAlso: ['docs/guides/draft-schema.md'],
  },
  'schema import': {
    examples: [
      ['warren schema import asyncapi.yaml', 'an AsyncAPI document'],
      ['warren schema import order.schema.json --exchange orders', 'a JSON Schema'],
    ],
    seeAlso: ['docs/guides/draft-schema.md'],
  },
  'schema check': {
    examples: [
      ['warren schema check events', 'in CI: every mistake with its file and line'],
      ['warren schema check events --broker', 'and whether the exchanges exist'],
    ],
    failed: 'There are mistakes.',
    seeAlso: ['docs/guides/typed-events.md'],
  },
  'schema print': {
    examples: [
      ['warren schema print events > schema.graphql', 'for a code generator of a client'],
      ['warren schema print --directives', 'for an editor'],
    ],
    seeAlso: ['docs/guides/typed-events.md'],
  },
  'schema diff': {
    examples: [['warren schema diff main/events events', 'in CI: is the change safe for clients?']],
    failed: 'There are breaking changes.',
    seeAlso: ['docs/guides/typed-events.md', 'docs/versions.md'],
  },
  completion: {
    examples: [
      ['source <(warren completion bash)', 'in ~/.bashrc'],
      ['warren completion zsh > ~/.zfunc/_warren', 'with ~/.zfunc in fpath'],
      ['warren completion fish > ~/.config/fish/completions/warren.fish', 'for fish'],
    ],
    seeAlso: ['docs/commands.md'],
  },
}
