import { Command, CommanderError } from 'commander'
import { version } from '../config/version.ts'
import { checkConfigCommand } from './commands/check-config.ts'
import { doctorCommand } from './commands/doctor.ts'
import { printSchemaCommand } from './commands/print-schema.ts'
import { publishCommand } from './commands/publish.ts'
import { quarantineCommand } from './commands/quarantine.ts'
import { startCommand } from './commands/start.ts'
import { tailCommand } from './commands/tail.ts'
import { tokenCommand } from './commands/token.ts'
import { traceCommand } from './commands/trace.ts'
import { completionCommand } from './completion/completion.ts'
import { connectionsCommand } from './connections/connections.ts'
import { exitStatus, report } from './failure.ts'
import { withManPages } from './manuals/man-page.ts'
import { clientsCommand } from './operator/clients.ts'
import { messagesCommand } from './operator/messages.ts'
import { positionsCommand } from './operator/positions.ts'
import { presenceCommand } from './operator/presence.ts'
import { sessionsCommand } from './operator/sessions.ts'
import { sourcesCommand } from './operator/sources.ts'
import { schemaCommand } from './schema/schema.ts'

/** All commands. */
export function program(): Command {
  const warren = new Command('warren')
    .description('GraphQL subscription gateway for RabbitMQ')
    .version(version)
    .addCommand(startCommand())
    .addCommand(tokenCommand())
    .addCommand(publishCommand())
    .addCommand(tailCommand())
    .addCommand(quarantineCommand())
    .addCommand(traceCommand())
    .addCommand(sourcesCommand())
    .addCommand(clientsCommand())
    .addCommand(sessionsCommand())
    .addCommand(messagesCommand())
    .addCommand(presenceCommand())
    .addCommand(positionsCommand())
    .addCommand(doctorCommand())
    .addCommand(connectionsCommand())
    .addCommand(checkConfigCommand())
    .addCommand(printSchemaCommand())
    .addCommand(schemaCommand())
    .addCommand(completionCommand())
  return withManPages(warren)
}

/** Runs the command that the arguments name and resolves to the exit status. */
export async function run(args: readonly string[]): Promise<number> {
  const warren = program()
  for (const command of withInner(warren)) {
    command.exitOverride().configureOutput({ outputError: (text, write) => write(inOneLine(text)) })
  }
  try {
    await warren.parseAsync(args, { from: 'user' })
    return exitStatus.ok
  } catch (error) {
    // Commander has already printed the help, the version or the error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.ok : exitStatus.wrongUse
    return report(error)
  }
}

function withInner(command: Command): Command[] {
  return [command, ...command.commands.flatMap((inner) => withInner(inner))]
}

/** Commander prints its suggestion on a separate line. */
function inOneLine(text: string): string {
  return `${text
    .replace(/^error: /, '')
    .trim()
    .replaceAll('\n', ' ')}\n`
}
