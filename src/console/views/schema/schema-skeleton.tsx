import { Loading, PanelSkeleton } from '../../parts/states.tsx'

/** The list of fields, and a field beside it. */
export function SchemaSkeleton() {
  return (
    <Loading>
      <div className="grid g-32">
        <PanelSkeleton rows={5} />
        <div className="stack loose">
          <PanelSkeleton rows={8} />
          <PanelSkeleton rows={3} />
        </div>
      </div>
    </Loading>
  )
}
