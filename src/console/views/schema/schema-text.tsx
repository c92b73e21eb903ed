import { useState } from 'react'
import { SchemaTextDocument } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { SdlView } from '../../parts/code/sdl-view.tsx'
import { CloseButton, Modal } from '../../parts/dialog.tsx'
import { FailureBanner, Loading, PanelSkeleton } from '../../parts/states.tsx'

/** The team's files, and the schema that clients see. */
export function SchemaText({ onClose }: { onClose: () => void }) {
  const answer = useQuery(SchemaTextDocument, {})
  const [shown, setShown] = useState<'files' | 'served'>()
  const { files = [], served = '' } = answer.data?.typedFields ?? {}
  const part = shown ?? (files.length > 0 ? 'files' : 'served')
  return (
    <Modal title="The SDL" onClose={onClose} className="wide">
      <div className="dlg-in">
        <div className="line-up between">
          <h2>The SDL</h2>
          <CloseButton onClick={onClose} />
        </div>
        <FailureBanner answer={answer} what="The SDL" />
        {!answer.data && answer.loading && (
          <Loading>
            <PanelSkeleton rows={8} />
          </Loading>
        )}
        {answer.data && (
          <>
            <div className="seg" role="group" aria-label="Which">
              <button
                type="button"
                aria-pressed={part === 'files'}
                disabled={files.length === 0}
                onClick={() => setShown('files')}
              >
                Files of WARREN_SCHEMA
              </button>
              <button type="button" aria-pressed={part === 'served'} onClick={() => setShown('served')}>
                What clients see
              </button>
            </div>
            <div className="stack sdl-text">
              {part === 'files' ? (
                files.map(({ path, text }) => <SdlView title={path} text={text} key={path} />)
              ) : (
                <SdlView title="What clients see, without directives" text={served} />
              )}
            </div>
          </>
        )}
      </div>
    </Modal>
  )
}
