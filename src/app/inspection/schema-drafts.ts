import type { GraphQLSchema } from 'graphql'
import type { Config } from '../../config/options/options.ts'
import type { MakeDraft } from '../../core/inspection/definitions/schema-drafts.ts'
import type { SdlFile } from '../../events/sdl/source-files.ts'

type SdlConfig = Pick<Config, 'core' | 'exchangeMap' | 'namespace'>

/** Loads the code of typed events only if a draft is asked for, because it is large. */
export function draftMaker(
  config: SdlConfig,
  { coreSchema, team }: { readonly coreSchema: GraphQLSchema; readonly team: () => readonly SdlFile[] },
): MakeDraft {
  return async (input) => {
    const [{ tryDraft }, { readingOptions }] = await Promise.all([
      import('../../events/describing/try-draft.ts'),
      import('../event-schema.ts'),
    ])
    return tryDraft(input, { options: readingOptions(config, coreSchema), team: team() })
  }
}
